import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Changes } from "../slack/state.ts";
import { acts } from "./acts.ts";
import { home, readViewer, type Viewer } from "./conversation.ts";
import type { Html } from "./html.ts";
import type { LivePage } from "./live/live-page.ts";
import { layout, regionsFor } from "./page.ts";

/** Changes come in bursts: the page is drawn once for each burst, in milliseconds. */
const burst = 40;

/** Words such as "3 min ago" grow old. It also keeps the connection alive. */
const refreshEvery = 15_000;

/** For every answer. The page loads nothing from elsewhere, is in no frame, and runs no inline script. */
const safeHeaders: OutgoingHttpHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // With no-referrer, a browser would send no Origin.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

const types = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" } as const;

const own = (name: string) => fileURLToPath(new URL(`./assets/${name}`, import.meta.url));

const ownNames = [
  ...["page.js", "acts.js", "live.js", "dialogs.js", "tour.js"],
  ...["page.css", "chat.css", "blocks.css", "forms.css", "cluster.css", "tour.css", "icon.svg"],
] as const;

/** The page's files, by their paths. The server reads no other file. */
const files: Readonly<Record<string, string>> = {
  ...Object.fromEntries(ownNames.map((name) => [name, own(name)])),
  "idiomorph.js": createRequire(import.meta.url).resolve("idiomorph/dist/idiomorph.esm.js"),
};

export const assetNames: readonly string[] = Object.keys(files);

/** The page, only on the loopback address. `port` 0: a free one. @throws Error if the port is taken */
export async function startPageServer(livePage: LivePage, port = 0) {
  let own = port;
  const server = createServer((request, response) => {
    serve(livePage, own, request, response).catch((error: unknown) => {
      if (response.headersSent) return response.end();
      answer(response, 409, "text/plain; charset=utf-8", error instanceof Error ? error.message : String(error));
    });
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  const address = server.address();
  if (address !== null && typeof address === "object") own = address.port;
  return {
    url: `http://127.0.0.1:${own}/`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(livePage: LivePage, port: number, request: IncomingMessage, response: ServerResponse) {
  const refusal = refusalOf(request, port);
  if (refusal) return answer(response, 403, "text/plain; charset=utf-8", refusal);
  const url = new URL(request.url ?? "/", `http://127.0.0.1:${port}`);
  if (request.method === "POST") return act(livePage, url, request, response);
  if (request.method !== "GET") return answer(response, 405, "text/plain; charset=utf-8", "GET or POST");
  if (url.pathname.startsWith("/assets/")) return asset(url.pathname.slice("/assets/".length), response);
  const viewer = viewerOf(livePage, url.searchParams);
  if (url.pathname === "/") return answer(response, 200, "text/html; charset=utf-8", draw(livePage, viewer));
  if (url.pathname === "/live") return live(livePage, viewer, response);
  if (url.pathname === "/suggest") return suggest(livePage, viewer, url, response);
  return answer(response, 404, "text/plain; charset=utf-8", "There is nothing here.");
}

function viewerOf({ live, clusters }: LivePage, query: URLSearchParams): Viewer {
  const { slack } = live.sandbox;
  const channels = slack.channels().filter(({ directWith }) => directWith === undefined);
  const known = { people: slack.people, channels: channels.map(({ id }) => id), clusters: [...clusters.keys()] };
  return readViewer(query, known);
}

function draw(livePage: LivePage, viewer: Viewer): string {
  livePage.seen.mark(viewer);
  return layout(regionsFor(livePage, viewer)).markup;
}

function live(livePage: LivePage, viewer: Viewer, response: ServerResponse): void {
  response.writeHead(200, { ...safeHeaders, "content-type": "text/event-stream" });
  // As Slack does at the opening of the tab.
  if (viewer.place === home)
    void livePage.live.sandbox.slack
      .person(viewer.as.id)
      .openHome()
      .catch(() => {});
  sendRegions(response, livePage.live.changes, () => {
    livePage.seen.mark(viewer);
    return regionsFor(livePage, viewer);
  });
}

async function suggest(livePage: LivePage, viewer: Viewer, url: URL, response: ServerResponse): Promise<void> {
  const { block = "", text = "" } = Object.fromEntries(url.searchParams);
  answerJson(response, await livePage.live.sandbox.slack.person(viewer.as.id).suggestions(block, text));
}

async function act(livePage: LivePage, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = /^\/act\/(\w+)$/.exec(url.pathname)?.[1] ?? "";
  const deed = Object.hasOwn(acts, name) ? acts[name] : undefined;
  if (!deed) return answer(response, 404, "text/plain; charset=utf-8", "There is nothing to do here.");
  return answerJson(response, { notice: (await deed(livePage, await readForm(request))) ?? null });
}

async function asset(name: string, response: ServerResponse): Promise<void> {
  const path = Object.hasOwn(files, name) ? files[name] : undefined;
  if (path === undefined) return answer(response, 404, "text/plain; charset=utf-8", "There is no such file.");
  const extension = name.split(".").at(-1) as keyof typeof types;
  return answer(response, 200, types[extension], await readFile(path));
}

const maxBytes = 64 * 1024;

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  request.setEncoding("utf8");
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > maxBytes) throw new Error("That is too long.");
  }
  return new URLSearchParams(text);
}

function answerJson(response: ServerResponse, value: unknown): void {
  answer(response, 200, "application/json; charset=utf-8", JSON.stringify(value));
}

function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...safeHeaders, "content-type": type });
  response.end(body);
}

/**
 * Undefined: it may pass. Another site's page can make a browser send requests here: by its own name for this machine
 * (DNS rebinding), which the Host header shows, or by a form, which the Origin shows.
 */
export function refusalOf(
  { headers, method }: Pick<IncomingMessage, "headers" | "method">,
  port: number,
): string | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(headers.host ?? "")) return `This page is only at http://127.0.0.1:${port}.`;
  const { host, origin, "sec-fetch-site": site, "sec-fetch-mode": mode } = headers;
  if (method === "GET") {
    // A site with a link to the page learns nothing.
    const foreign = site === "cross-site" || site === "same-site";
    return foreign && mode !== "navigate" ? "Another site can't call this page." : undefined;
  }
  return origin === `http://${host}` ? undefined : "Only the page itself can act.";
}

/** All regions first, then each changed one. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
function sendRegions(response: ServerResponse, changes: Changes, draw: () => Readonly<Record<string, Html>>): void {
  const sent = new Map<string, string>();
  let soon: NodeJS.Timeout | undefined;
  const send = () => {
    soon = undefined;
    const changed = Object.entries(draw()).filter(([id, { markup }]) => sent.get(id) !== markup);
    for (const [id, { markup }] of changed) sent.set(id, markup);
    const regions = Object.fromEntries(changed.map(([id, { markup }]) => [id, markup]));
    response.write(changed.length > 0 ? `event: regions\ndata: ${JSON.stringify(regions)}\n\n` : ": still here\n\n");
  };
  const soonSend = () => {
    soon ??= setTimeout(send, burst);
  };
  const stopListening = changes.onChange(soonSend);
  const refresh = setInterval(send, refreshEvery);
  response.on("close", () => {
    stopListening();
    clearTimeout(soon);
    clearInterval(refresh);
  });
  send();
}
