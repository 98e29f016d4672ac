import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arns, channel, clusterName } from "../../src/sandbox/scene.ts";
import { anOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "../tracing/otlp-receiver.ts";
import { type Flow, startFlow } from "./start-flow.ts";

describe("traces", () => {
  let receiver: OtlpReceiver;
  let flow: Flow;

  beforeAll(async () => {
    receiver = await anOtlpReceiver();
    flow = await startFlow({
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_BSP_SCHEDULE_DELAY: "100",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=sandbox",
      },
    });
  });
  afterAll(async () => {
    await flow.stop();
    await receiver.stop();
  });

  const person = (id: string) => flow.sandbox.slack.person(id);
  const ask = (level: string, reason: string) =>
    person("U0ENGINEER").command(
      `/eks-access request ${clusterName} ${arns.engineer} ${level} for 30m ${reason}`,
      channel,
    );
  const requestOf = (reason: string) => flow.asked(reason).then(({ blocks }) => idIn(JSON.stringify(blocks)));
  /** Waits for a span of the request, and gives its whole trace. */
  const traceOf = async (request: string, last: string, count = 1): Promise<readonly ReceivedSpan[]> => {
    const ofRequest = () => receiver.spans.filter((each) => textOf(each).includes(request) && each.name === last);
    await flow.until(() => (ofRequest().length >= count ? true : undefined), 15_000);
    const traceId = ofRequest()[0]?.traceId;
    return receiver.spans.filter((each) => each.traceId === traceId);
  };

  test("one trace goes from the slash command through the click to the proof and to the message that shows it", async () => {
    await ask("viewer", "look into the failing rollout");
    const request = await requestOf("look into the failing rollout");
    await person("U0APPROVER").click(await flow.asked("look into the failing rollout"), "approve");
    await flow.message("*Active*");
    const isShown = () =>
      receiver.spans.find(
        (each) =>
          each.name === "slack chat.update" && ancestorsOf(each, receiver.spans).includes("record grant.active"),
      );
    await flow.until(isShown, 15_000);

    const trace = await traceOf(request, "record grant.active");
    const lineOf = (name: string) => {
      const found = trace.find((each) => each.name === name);
      return found ? ancestorsOf(found, trace) : [];
    };

    expect(lineOf("prove")).toEqual([
      `reconcile ${clusterName}`,
      "record request.approved",
      expect.stringMatching(/^click /),
      "record request.previewed",
      `preview ${clusterName}`,
      "record request.created",
      "/eks-access request",
    ]);
    expect(isShown()?.traceId).toBe(trace[0]?.traceId);
    const names = new Set(trace.map(({ name }) => name));
    const steps = ["caller-identity", "assume", "describe", "read", "plan", "dry-run", "put", "read-back", "prove"];
    for (const name of ["ack", "wait in clusters", "wait in messages", "show", "sts AssumeRole", ...steps]) {
      expect(names).toContain(name);
    }
    expect(new Set(trace.map(({ service }) => service))).toEqual(new Set(["eks-access-slack", "eks-access-worker"]));
  });

  test("a run for many requests has a trace of its own that links to theirs, and each is proved in its own", async () => {
    const reasons = ["read the logs", "restart the pods"];
    await ask("viewer", "read the logs");
    await ask("admin", "restart the pods");
    const requests = await Promise.all(reasons.map(requestOf));
    const asked = await Promise.all(reasons.map(flow.asked));
    await flow.worker().stop();
    for (const message of asked) await person("U0APPROVER").click(message, "approve");
    await flow.startWorker();

    const traces = await Promise.all(requests.map((request) => traceOf(request, "prove")));
    const traceIds = traces.map(([first]) => first?.traceId ?? "");
    const run = await flow.until(() => receiver.spans.find(({ links }) => links.length === 2), 15_000);

    expect(new Set([run.traceId, ...traceIds]).size).toBe(3);
    expect(run.name).toBe(`reconcile ${clusterName}`);
    expect(run.links.map(({ traceId }) => traceId).sort()).toEqual([...traceIds].sort());
    for (const trace of traces) {
      const proof = trace.find(({ name }) => name === "prove");
      expect(proof?.links).toEqual([expect.objectContaining({ traceId: run.traceId, spanId: run.spanId })]);
    }
  });

  test("no trace tells a secret, an ARN, an address, a person or what somebody wrote", () => {
    const told = receiver.bodies.map(({ content }) => content.toString()).join("\n");

    expect(told).toContain("deployment.environment.name");
    for (const secret of flow.sandbox.secrets()) expect(told).not.toContain(secret);
    expect(told).not.toMatch(/arn:aws|@|U0[A-Z]+|failing rollout|mapUsers|127\.0\.0\.1|localhost/);
  });
});

function textOf(span: ReceivedSpan): string {
  return JSON.stringify(span.attributes);
}

function idIn(text: string): string {
  return /r-[a-z0-9]{8}/.exec(text)?.[0] ?? "";
}

/** The names of what a span is a part of, the nearest first. */
function ancestorsOf(span: ReceivedSpan, spans: readonly ReceivedSpan[]): readonly string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return parent ? [parent.name, ...ancestorsOf(parent, spans)] : [];
}
