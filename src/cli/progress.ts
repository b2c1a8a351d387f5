import cliProgress from 'cli-progress';

export interface Progress {
  readonly add: (amount: number) => void;
  readonly stop: () => void;
}

/** A progress bar on standard error when that is a terminal; nothing otherwise. */
export const progressBar = (label: string, total: number, unit: string): Progress => {
  if (!process.stderr.isTTY || total === 0) return { add: () => {}, stop: () => {} };
  const bar = new cliProgress.SingleBar(
    {
      format: `${label.padEnd(24)} {bar} {percentage} %  {value}/{total} ${unit}  {eta_formatted}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
      formatValue: (value, _, type) =>
        type === 'value' || type === 'total'
          ? value.toLocaleString('en').replaceAll(',', ' ')
          : String(value),
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return { add: (amount) => bar.increment(amount), stop: () => bar.stop() };
};
