import { Agent, request } from "undici";
import { boundedText } from "../../access/failure/bounded-text.ts";

/** Bytes. The largest answers are the people of a user group and a view that was opened. */
const largestAnswer = 4 * 1024 * 1024;

/** What Slack answered. */
export interface SlackAnswer {
  readonly status: number;
  readonly headers: [name: string, value: string][];
  readonly text: string;
}

/**
 * Sockets to Slack, kept between calls. No more than so many at once to each of its hosts; the Web API's client has no more
 * calls under way either. An answer that does not come is given up, also where whoever asked sets no time.
 */
const sockets = new Agent({
  connections: 100,
  // A process that gets no processor for some seconds must not take that for a Slack that is away.
  connect: { timeout: 10_000 },
  headersTimeout: 15_000,
  bodyTimeout: 15_000,
});

/**
 * Sends one request, and reads the whole answer. `fetch` does the same with streams of the web's kind, at five times the
 * processor time. A redirection is not followed: what is sent holds the bot's token.
 */
export async function send(url: URL, init: RequestInit = {}): Promise<SlackAnswer> {
  const { statusCode, headers, body } = await request(url, {
    dispatcher: sockets,
    method: init.method === "POST" ? "POST" : "GET",
    headers: Object.fromEntries(new Headers(init.headers)),
    body: textIn(init.body),
    signal: init.signal,
  });
  return { status: statusCode, headers: pairs(headers), text: await boundedText(body, largestAnswer, "Slack") };
}

/** Nothing that we send is a file or a stream. */
function textIn(body: RequestInit["body"]): string | null {
  if (body == null || typeof body === "string") return body ?? null;
  throw new TypeError("only text is sent to Slack");
}

function pairs(headers: Readonly<Record<string, string | string[] | undefined>>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  );
}
