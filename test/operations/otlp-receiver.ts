import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

const attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: z.array(attribute).default([]),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
});
const body = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
});

/** A span as it arrived, with the name of the service that sent it. */
export type ReceivedSpan = z.output<typeof span> & { readonly service: string };

/** Takes traces as a collector does: OTLP over HTTP. */
export interface OtlpReceiver {
  readonly url: string;
  /** Of what came as JSON. */
  readonly spans: readonly ReceivedSpan[];
  /** Everything that came, as it came. */
  readonly bodies: readonly { readonly path: string; readonly contentType: string; readonly content: Buffer }[];
  stop: () => Promise<void>;
}

export async function anOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: { path: string; contentType: string; content: Buffer }[] = [];
  const server = createServer(async (request, response) => {
    const content = Buffer.concat(await request.toArray());
    const contentType = request.headers["content-type"] ?? "";
    bodies.push({ path: request.url ?? "", contentType, content });
    if (contentType === "application/json") spans.push(...spansIn(content.toString()));
    response.writeHead(200, { "content-type": contentType }).end(contentType === "application/json" ? "{}" : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    bodies,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function spansIn(text: string): ReceivedSpan[] {
  return body.parse(JSON.parse(text)).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const name = resource.attributes.find(({ key }) => key === "service.name");
    return scopeSpans.flatMap((scope) =>
      scope.spans.map((each) => ({ ...each, service: String(name?.value.stringValue) })),
    );
  });
}
