import { fileURLToPath } from 'node:url';

// The command in a few files: opening a thousand takes longer than all that a server does before its first answer.
export default {
  input: { main: 'dist/cli/main.js' },
  platform: 'node',
  // What finds files of its own beside its code, is native, or is read only when it is asked for stays a package.
  external: [
    /^@duckdb\//,
    /^@electric-sql\//,
    /^@graphql-yoga\/render-graphiql/,
    /^@prisma\//,
    /^onnxruntime-node/,
    /^pg(-copy-streams)?$/,
    /^pglite-prisma-adapter/,
    /^pino/,
  ],
  // One copy of `graphql`, whoever asks for it.
  resolve: { alias: { graphql: fileURLToPath(import.meta.resolve('graphql')) } },
  output: { dir: 'dist/command', cleanDir: true },
};
