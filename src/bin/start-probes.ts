import type { ProcessKind } from "../config/key-environment.ts";
import { type Probe, startProbe } from "../operations/probe.ts";
import type { Settings } from "./settings.ts";

/** Each process asks the service that it lives by: the Slack process has no AWS rights, the worker no Slack token (law 1). */
export async function startProbes(
  kind: ProcessKind,
  { environment, config }: Settings,
  lastSuccess: () => Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, Probe>> {
  const probes = new Map<string, Probe>();
  const everyMs = environment.probeEverySeconds * 1000;
  const start = (service: string, ask: () => Promise<unknown>) =>
    probes.set(service, startProbe({ ask, everyMs, now: () => new Date(), lastSuccess: () => lastSuccess()[service] }));
  if (environment.slack) {
    const [{ messengerClient }, { slackFailure }] = await Promise.all([
      import("../slack/app/web-client.ts"),
      import("../slack/app/slack-failure.ts"),
    ]);
    const client = messengerClient(environment.slack);
    const failure = (error: unknown) => Promise.reject(slackFailure(error, "Slack"));
    start("slack", () => client.auth.test().catch(failure));
  }
  if (kind !== "slack") {
    const { askCallerIdentity } = await import("../aws/caller-identity.ts");
    const [first] = config.clusters.values();
    start("sts", () => askCallerIdentity("default", first?.region ?? "us-east-1"));
  }
  return probes;
}
