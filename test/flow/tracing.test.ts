import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { ProductProcess } from "../../sandbox/product-process.ts";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import { anOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "../operations/otlp-receiver.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const line = z.looseObject({
  level: z.union([z.number(), z.string()]),
  msg: z.string(),
  request: z.string().optional(),
  requests: z.array(z.string()).optional(),
});

const aboutTheClusterAlone = new Set([
  "read the cluster's own memory",
  "could not look for rescues: AWS refused the rescuing identity",
  "works on the cluster again",
]);

const linesOf = (child: ProductProcess, from: number) =>
  child.log
    .slice(from)
    .filter((text) => text.startsWith("{"))
    .map((text) => line.parse(JSON.parse(text)));

describe("what both processes tell of a request", () => {
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
        LOG_LEVEL: "debug",
      },
    });
  });
  afterAll(async () => {
    await flow.stop();
    await receiver.stop();
  });

  // First: no other request has lines yet.
  test("every line that either process logs in the life of a request names it, also where much goes wrong", async () => {
    const { faults, slack } = flow.sandbox;
    const [worker, bot] = [flow.worker(), flow.slack()];
    const from = { worker: worker.log.length, slack: bot.log.length };
    faults.plan("kubernetes.get-configmap", { type: "cut-before" });
    faults.plan("sts.AssumeRole", { type: "answer", status: 503 }, { nth: 2 });
    faults.plan("kubernetes.replace-configmap", { type: "cut-after" }, { nth: 1 });
    faults.plan("slack.chat.postMessage", { type: "answer", status: 500 }, { times: 2 });
    faults.plan("slack.chat.update", { type: "cut-before" });

    const say = (user: string, text: string) => slack.person(user).command(`/eks-access ${text}`, channel);
    await say("U0ENGINEER", `request ${clusterName} ${arns.engineer} viewer for 30m read the logs`);
    const id = /r-[a-z0-9]{8}/.exec((await flow.answer("U0ENGINEER", "Requested `")).text)?.[0] ?? "";
    const asked = await flow.asked("read the logs");
    // A person who can't decide is refused, with an answer and a line of the log.
    await slack.person("U0ENGINEER").click(asked, "approve");
    await slack.person("U0APPROVER").click(asked, "approve");
    await flow.message("*Active*");
    await say("U0ENGINEER", `revoke ${id}`);
    await flow.message("*Ended*");
    await flow.told("`) ended: ");

    // Bolt's own words are about its client; a cluster's memory is read by the clock, and for no request.
    const ours = ({ source, job, msg }: z.output<typeof line>) =>
      source !== "bolt" && job !== "adopt" && !aboutTheClusterAlone.has(msg);
    const told = { worker: linesOf(worker, from.worker).filter(ours), slack: linesOf(bot, from.slack).filter(ours) };
    const isAbout = (each: z.output<typeof line>) => each.request === id || each.requests?.includes(id) === true;
    expect({
      worker: told.worker.filter((each) => !isAbout(each)),
      slack: told.slack.filter((each) => !isAbout(each)),
    }).toEqual({ worker: [], slack: [] });
    for (const lines of Object.values(told)) {
      expect(lines.length).toBeGreaterThan(3);
      expect(lines.some(({ level }) => level === 40 || level === 50 || level === "warn" || level === "error")).toBe(
        true,
      );
    }
  });

  test("one trace goes from the slash command through the click to the proof and to the message that shows it", async () => {
    const { person } = flow.sandbox.slack;
    const earlier = new Set(receiver.spans.map(({ traceId }) => traceId));
    const spans = () => receiver.spans.filter(({ traceId }) => !earlier.has(traceId));
    const reason = "look into the failing rollout";
    await person("U0ENGINEER").command(
      `/eks-access request ${clusterName} ${arns.engineer} viewer for 30m ${reason}`,
      channel,
    );
    await person("U0APPROVER").click(await flow.asked(reason), "approve");
    await flow.message("*Active*");
    // What is above a span ends after it, and is sent later.
    const whole = (name: string) =>
      spans().find((each) => {
        const line = ancestorsOf(each, spans());
        return each.name === name && line.includes("record request.approved") && line.at(-1) === "/eks-access request";
      });
    const last = ["record lease.active", "slack chat.update"];
    const found = () => last.flatMap((name) => whole(name) ?? []);
    await expect.poll(found).toHaveLength(last.length);
    const [active] = found();
    const trace = spans().filter(({ traceId }) => traceId === active?.traceId);
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
    const names = new Set(trace.map(({ name }) => name));
    const steps = ["assume", "describe", "read", "plan", "dry-run", "put", "read-back", "prove"];
    for (const name of ["ack", "wait in clusters", "wait in messages", "show", "sts AssumeRole", ...steps]) {
      expect(names).toContain(name);
    }
    expect(new Set(trace.map(({ service }) => service))).toEqual(new Set(["eks-access-slack", "eks-access-worker"]));
  });

  test("a request is followed through both logs: what goes wrong about it names it, too", async () => {
    const { faults, slack } = flow.sandbox;
    // A late message of the story before would meet the fault instead.
    await flow.active();
    faults.plan("kubernetes.get-configmap", { type: "cut-before" });
    // The thread of the request before may still be written to: that meets it as well.
    const { cancel } = faults.plan("slack.chat.postMessage", { type: "answer", status: 500 }, { times: 1_000 });
    await slack
      .person("U0ENGINEER")
      .command(`/eks-access request ${clusterName} ${arns.engineer} admin for 30m read the logs`, channel);
    const recorded = await flow.answer("U0ENGINEER", "`admin` on");
    const id = /r-[a-z0-9]{8}/.exec(recorded.text)?.[0];
    await flow.slack().logged(`"request":"${id}","err"`);
    cancel();
    await flow.asked("read the logs");

    const told = (child: ProductProcess) =>
      child.log
        .filter((line) => line.startsWith("{"))
        .flatMap((line) => {
          const { request, requests, event, msg } = logged.parse(JSON.parse(line));
          return request === id || requests?.includes(id ?? "") ? [event ?? msg] : [];
        });
    // The worker writes more once the request continues.
    expect(told(flow.worker()).slice(0, 3)).toEqual([
      "request.delayed",
      "could not work on the cluster",
      "request.previewed",
    ]);
    expect(told(flow.slack()).slice(0, 1)).toEqual(["request.created"]);
    expect(told(flow.slack())).toContain("could not show a message yet");
  });

  test.each([
    ["whoami"],
    [`whoami ${clusterName}`],
    [`why ${clusterName} ${arns.engineer}`],
    [`creator ${clusterName}`],
    [`check ${clusterName}`],
  ])("a question to a worker is one trace, from /eks-access %s to its answer", async (question) => {
    const [word = ""] = question.split(" ");
    const before = receiver.spans.length;
    const asked = question === "whoami" ? "identity" : word;
    await flow.sandbox.slack.person("U0APPROVER").command(`/eks-access ${question}`, channel);

    const since = () => receiver.spans.slice(before);
    const root = () => since().find(({ name, parentSpanId }) => name === `/eks-access ${word}` && !parentSpanId);
    const lineOf = (name: string) => {
      const found = since().find((each) => each.name === name && each.traceId === root()?.traceId);
      return found ? ancestorsOf(found, since()) : null;
    };
    // Both processes send what they have every 100 ms.
    await expect.poll(() => root() && lineOf(`answer ${asked}`)).toBeTruthy();

    expect(lineOf(`answer ${asked}`)).toEqual([`ask ${asked}`, `/eks-access ${word}`]);
    expect(lineOf("wait in clusters")?.at(-1)).toBe(`/eks-access ${word}`);
    // What is there at once is answered in the acknowledgement.
    expect(lineOf("slack response_url") ?? lineOf("ack")).toEqual([`/eks-access ${word}`]);
    const services = since().filter(({ traceId }) => traceId === root()?.traceId);
    expect(new Set(services.map(({ service }) => service))).toEqual(new Set(["eks-access-slack", "eks-access-worker"]));
    expect(lineOf("sts AssumeRole") ?? lineOf("sts GetCallerIdentity")).toContain(`answer ${asked}`);
  });

  test("no trace shows a secret, an ARN, an address, a person or what a person wrote", () => {
    const told = receiver.bodies.map(({ content }) => content.toString()).join("\n");

    expect(told).toContain("deployment.environment.name");
    for (const secret of flow.sandbox.secrets()) expect(told).not.toContain(secret);
    expect(told).not.toMatch(/arn:aws|@|U0[A-Z]+|failing rollout|mapUsers|127\.0\.0\.1|localhost/);
  });
});

const logged = z.object({
  request: z.string().optional(),
  requests: z.array(z.string()).optional(),
  event: z.string().optional(),
  msg: z.string(),
});

/** The names of what a span is a part of, the nearest first. */
function ancestorsOf(span: ReceivedSpan, spans: readonly ReceivedSpan[]): readonly string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return parent ? [parent.name, ...ancestorsOf(parent, spans)] : [];
}
