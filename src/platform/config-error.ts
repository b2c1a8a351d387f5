/** What the environment, an option or a file of settings says cannot be followed; the message says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
