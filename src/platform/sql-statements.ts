// One token of SQL that may hold a semicolon (PostgreSQL, "Lexical Structure"): a quoted string or name, a dollar-quoted
// body, or a comment. Nested block comments are not understood; migrations do not use them.
const OPAQUE =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|;|[^'"$;/-]+|[\s\S]/g;

/** Splits an SQL script into its statements, without their semicolons. Text that is only comments is left out. */
export const sqlStatements = (script: string): string[] => {
  const statements: string[] = [];
  let current = '';
  let hasCode = false;
  const finish = () => {
    if (hasCode) statements.push(current.trim());
    current = '';
    hasCode = false;
  };
  for (const [token] of script.matchAll(OPAQUE)) {
    if (token === ';') {
      finish();
      continue;
    }
    const isComment = token.startsWith('--') || token.startsWith('/*');
    if (isComment && !hasCode) continue;
    current += token;
    hasCode ||= !isComment && token.trim() !== '';
  }
  finish();
  return statements;
};
