import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { openArtifactStore } from '../platform/open-artifact-store.ts';
import { configOf } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';

const read = (file: string): Promise<Uint8Array> =>
  readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(
      `${file} cannot be read: ${error.message}.`,
      error.code === 'ENOENT' ? EXIT.notFound : EXIT.refused,
    );
  });

const put = async (
  files: readonly string[],
  options: { readonly data?: string },
): Promise<void> => {
  const store = openArtifactStore(configOf(options));
  // All of them are read before anything is kept.
  const contents = await Promise.all(files.map(read));
  for (const [index, bytes] of contents.entries()) {
    process.stdout.write(`${await store.write(bytes)}  ${files[index]}\n`);
  }
};

export const artifactsCommand = (): Command =>
  new Command('artifacts')
    .description('Keep the files of model versions, to run them again.')
    .addCommand(
      new Command('put')
        .description('Keep files and print their digests, by which versions refer to them.')
        .argument('<files...>', 'files, such as model.onnx')
        .option('--data <folder>', 'data folder, in which `artifacts` is (default: .hindcast)')
        .addHelpText(
          'after',
          '\nHINDCAST_ARTIFACTS names another folder, or s3://bucket/prefix.\n\nExample:\n  hindcast artifacts put model.onnx',
        )
        .action(put),
    );
