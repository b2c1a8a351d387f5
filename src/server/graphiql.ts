import { createHash } from 'node:crypto';
import type { Plugin } from 'graphql-yoga';
import { type Operation, readOperations } from './operations.ts';

interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Answers a browser with GraphiQL: one page that loads nothing from elsewhere, with a tab for each operation of the
 * folder. Its 9 MB are read when it is first asked for.
 */
export const useGraphiql = (operationsFolder: string): Plugin => {
  let page: Promise<Page> | undefined;
  return {
    onRequest: async ({ request, fetchAPI, endResponse }) => {
      const accept = request.headers.get('accept') ?? '';
      if (request.method !== 'GET' || !accept.includes('text/html')) return;
      page ??= renderPage(operationsFolder).catch((error) => {
        page = undefined;
        throw error;
      });
      const { html, headers } = await page;
      endResponse(new fetchAPI.Response(html, { headers }));
    },
  };
};

const renderPage = async (operationsFolder: string): Promise<Page> => {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Hindcast',
    defaultTabs: [WELCOME, ...(await readOperations(operationsFolder)).map(tabOf)],
  }).replace('</head>', `${STILL_TABS}</head>`);
  return {
    html,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': pagePolicy(html),
    },
  };
};

// GraphiQL's tabs slide into place when they first appear, and jump back when pressed: the first click misses them.
const STILL_TABS = '<style>.graphiql-tab { transform: none !important; }</style>';

// GraphiQL forgets the variables of the tab that it opens first, so the first one has none.
const WELCOME = {
  query: `# Each tab beside this one holds a question to Hindcast, ready to run.
# The schema is documented in the book on the left.
query Welcome {
  serverInfo {
    version
    engine
    startedAt
  }
}
`,
  variables: null,
};

const tabOf = ({ query, variables }: Operation) => ({ query, variables });

/** Allows the page its one script, by its hash, the styles and workers that this script makes, and to ask this server. */
const pagePolicy = (html: string): string => {
  const start = html.indexOf('<script>') + '<script>'.length;
  const script = html.slice(start, html.indexOf('</script>', start));
  return [
    `default-src 'none'`,
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    `style-src 'unsafe-inline'`,
    'img-src data:',
    'font-src data:',
    'worker-src blob:',
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ');
};
