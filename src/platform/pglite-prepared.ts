import { messages, type PGlite, protocol } from '@electric-sql/pglite';
import { sqlValueReaders } from './sql-values.ts';

/** A statement that the database has parsed. */
interface Prepared {
  /** Type OIDs of the parameters. */
  readonly parameters: readonly number[];
  readonly columns: readonly { readonly name: string; readonly dataTypeID: number }[];
}

const { serialize } = protocol;

const describe = (received: readonly object[]): Prepared => {
  let prepared: Prepared = { parameters: [], columns: [] };
  for (const message of received) {
    if (message instanceof messages.ParameterDescriptionMessage) {
      prepared = { ...prepared, parameters: message.dataTypeIDs };
    } else if (message instanceof messages.RowDescriptionMessage) {
      prepared = { ...prepared, columns: message.fields };
    }
  }
  return prepared;
};

const readValue = (typeId: number, text: string | null): unknown => {
  if (text === null) return null;
  const read = sqlValueReaders[typeId];
  return read === undefined ? text : read(text);
};

/**
 * Runs named statements as prepared ones, through the protocol: PGlite's own `query` parses and plans each time anew, which
 * takes longer than most of them run. They wait for transactions, as `query` does.
 */
export const preparedQueries = (pglite: PGlite) => {
  const known = new Map<string, Prepared>();

  const prepare = async (name: string, text: string): Promise<Prepared> => {
    const request = [
      serialize.parse({ name, text }),
      serialize.describe({ type: 'S', name }),
      serialize.sync(),
    ];
    const received = await pglite.execProtocol(Buffer.concat(request));
    const prepared = describe(received.messages);
    known.set(name, prepared);
    return prepared;
  };

  const run = async <Row>(
    name: string,
    { parameters, columns }: Prepared,
    values: readonly unknown[],
  ): Promise<Row[]> => {
    const texts = values.map((value, index) => {
      if (value === null || value === undefined) return null;
      const write = pglite.serializers[parameters[index] ?? 0];
      return write === undefined ? String(value) : write(value);
    });
    const request = [
      serialize.bind({ statement: name, values: texts }),
      serialize.execute({}),
      serialize.sync(),
    ];
    const received = await pglite.execProtocol(Buffer.concat(request));
    const rows: Row[] = [];
    for (const message of received.messages) {
      if (!(message instanceof messages.DataRowMessage)) continue;
      const row: Record<string, unknown> = {};
      for (const [index, { name: column, dataTypeID }] of columns.entries()) {
        row[column] = readValue(dataTypeID, message.fields[index] ?? null);
      }
      rows.push(row as Row);
    }
    return rows;
  };

  return <Row>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> =>
    pglite._runExclusiveTransaction(() =>
      pglite.runExclusive(async () =>
        run<Row>(name, known.get(name) ?? (await prepare(name, text)), values),
      ),
    );
};
