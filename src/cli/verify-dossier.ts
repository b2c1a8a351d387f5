import { readFile } from 'node:fs/promises';
import { checkDossier, type DossierReport } from '../ledger/dossier-check.ts';
import type { VerifierKey } from '../platform/signed-note.ts';
import { CommandError, EXIT } from './exit.ts';

const summary = ({ statement, checkpoint, keys }: DossierReport, isTrusted: boolean): string => {
  if (statement === null || checkpoint === null) return '';
  const { predicate, subject } = statement;
  const names = keys.map(({ name, id }) => `${name}+${id}`).join(', ');
  return [
    `Prediction  ${subject[0].name}`,
    `Record      ${predicate.record.text === null ? 'erased; its leaf is in the ledger' : `sha256:${subject[0].digest.sha256}`}`,
    `Proven      ${predicate.manifests.length} manifests, ${predicate.rows.length} rows, under ${checkpoint.size} entries of ${checkpoint.origin}`,
    `Signed      ${names}${isTrusted ? '' : ' (named by the file itself: compare with --key)'}`,
    '',
  ].join('\n');
};

/** Checks a dossier offline and tells what it proves; ends with 1 when it does not hold. */
export const verifyDossierFile = async (
  path: string,
  keys: readonly VerifierKey[],
): Promise<void> => {
  const file = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(
      `${path} cannot be read: ${error.message}.`,
      error.code === 'ENOENT' ? EXIT.notFound : EXIT.refused,
    );
  });
  const report = checkDossier(file, keys.length > 0 ? keys : null);
  process.stdout.write(summary(report, keys.length > 0));
  const [first, ...rest] = report.problems;
  if (first !== undefined) {
    const more = rest.map((problem) => `\n  ${problem}`).join('');
    throw new CommandError(`${path} does not hold:\n  ${first}${more}`, EXIT.refused);
  }
  process.stdout.write('The dossier holds.\n');
};
