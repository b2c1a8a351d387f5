// PostGraphile over the tables of Hindcast: the database of the first argument, on any free port.
import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { jsonPgSmartTags } from 'postgraphile/utils';

// The log has no foreign keys, so its relations are declared.
const relations = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      prediction_log: {
        tags: {
          unique: 'request_id,endpoint_id,item',
          foreignKey: [
            '(endpoint_id) references endpoint (id)',
            '(model_version_id) references model_version (id)',
            '(feature_schema_id) references feature_schema (id)',
          ],
        },
      },
      prediction_outcome: {
        tags: {
          foreignKey:
            '(request_id, endpoint_id, item) references prediction_log (request_id, endpoint_id, item)|@foreignFieldName outcomes',
        },
      },
    },
  },
});

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [relations],
  pgServices: [makePgService({ connectionString: process.argv[2], schemas: ['public'] })],
  // Lists like those that the other servers answer with.
  schema: { defaultBehavior: '-connection +list' },
  grafserv: { graphiql: false, watch: false },
});
const serv = instance.createServ(grafserv);
const server = createServer();
await serv.addTo(server);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
