import { expect } from "vitest";
import { type EventType, verifyChain } from "../../src/audit/event.ts";
import { grantsAnnotation } from "../../src/grant/annotation.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { AccessRequest } from "../../src/request/request.ts";
import { readAwsAuth } from "../../src/sandbox/cluster/aws-auth-map.ts";
import type { SandboxCluster } from "../../src/sandbox/cluster/cluster.ts";
import { initialAwsAuth } from "../../src/sandbox/scene.ts";
import { wishes } from "./reconcile-scene.ts";

const once: readonly EventType[] = ["grant.writing", "grant.active", "grant.ending", "grant.ended", "grant.failed"];

/** Holds the document, its annotation and the audit log against the ledger, when everything has settled. */
export async function judgeScene(cluster: SandboxCluster, ledger: Ledger): Promise<void> {
  const records = await Promise.all(Object.values(wishes).map(({ id }) => ledger.get(id)));
  const requests = records.filter((request) => request !== null);
  const { data = {}, metadata } = cluster.awsAuth() ?? {};
  const { users } = readAwsAuth(data);
  const active = requests.filter(({ grant }) => grant?.state === "active");
  const inForce = active.filter(({ grant }) => !grant?.drift);
  for (const arn of new Set(requests.map((request) => request.principal))) {
    const groups = inForce.filter((request) => request.principal === arn).flatMap((request) => request.groups);

    expect([...(users.get(arn)?.groups ?? [])].sort(), `the groups of ${arn}`).toEqual(groups.sort());
    expect((data.mapUsers ?? "").split(arn).length, `entries of ${arn}`).toBeLessThanOrEqual(2);
  }
  const annotation = metadata?.annotations?.[grantsAnnotation] ?? "";

  // A grant whose entry somebody took out may stand in the annotation or not: nothing in the document is explained by it.
  const explained = requests.filter(({ id }) => annotation.includes(`"${id}"`));
  expect(explained.filter((request) => !active.includes(request))).toEqual([]);
  expect(explained.filter((request) => !request.grant?.drift)).toEqual(inForce);
  await judgeAudit(ledger, requests);
  if (active.length === 0) expect(withoutForeign(data)).toEqual(initialAwsAuth);
}

async function judgeAudit(ledger: Ledger, requests: readonly AccessRequest[]): Promise<void> {
  const events = await ledger.events(1, 10_000);

  expect(verifyChain(events)).toMatchObject({ type: "whole" });
  for (const { id, version } of requests) {
    const types = events.filter(({ event }) => event.request === id).map(({ event }) => event.type);
    const lives = types.filter((type) => type === "approval.void").length + 1;

    expect(types).toHaveLength(version);
    for (const type of once) expect(types.filter((each) => each === type).length, type).toBeLessThanOrEqual(lives);
  }
}

const foreignText = [
  /^- userarn: \S+user\/sre # on call\n {2}username: sre\n {2}groups: \[sre\]\n/gm,
  /^# who is who\n/gm,
] as const;

function withoutForeign({ mapUsers = "", ...others }: Readonly<Record<string, string>>): Record<string, string> {
  const ours = foreignText.reduce((text, pattern) => text.replace(pattern, ""), mapUsers);
  return ours === "" ? others : { ...others, mapUsers: ours };
}

/** Watches that what others wrote is never changed or taken away, whoever writes. */
export function watchForeignText(cluster: SandboxCluster): { readonly broken: readonly string[]; stop: () => void } {
  const broken: string[] = [];
  let before = foreignText.map(() => 0);
  const stop = cluster.onChange((configMap) => {
    const { mapUsers = "", mapRoles = "" } = configMap?.data ?? {};
    const counts = foreignText.map((pattern) => mapUsers.match(pattern)?.length ?? 0);
    if (counts.some((count, index) => count < (before[index] ?? 0))) broken.push(mapUsers);
    if (mapRoles !== initialAwsAuth.mapRoles) broken.push(mapRoles);
    before = counts;
  });
  return { broken, stop };
}
