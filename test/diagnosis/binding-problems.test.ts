import { describe, expect, test } from "vitest";
import { bindingFor, type ClusterBinding, readOwnBindings } from "../../src/access/lease/own-bindings.ts";
import { type BindingFacts, bindingProblems } from "../../src/diagnosis/leases.ts";
import { aRequest } from "../builders/a-request.ts";
import { aShare } from "../builders/a-share.ts";
import { keys, otherKeys } from "../builders/keys.ts";

const now = new Date("2026-03-01T10:00:00.000Z");
const text = "ClusterRole view in shop";
const principal = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/alice@example.com";
const inAnHour = "2026-03-01T11:00:00.000Z";

/** The binding of a lease, as the cluster has it. */
function bindingOf(endsAt: string, change: Partial<ClusterBinding> = {}): ClusterBinding {
  const lease = { principal, user: "sso:alice@example.com", share: aShare({ id: "r-one", groups: [text], endsAt }) };
  const made = bindingFor("staging", lease, text, keys.memory);
  if (!made) throw new Error(`${text} is no role`);
  const { user, ...rest } = made;
  return { ...rest, uid: "uid-1", subjects: [{ kind: "User", name: user }], deletedAt: null, ...change };
}

const active = aRequest({ id: "r-one", principal, groups: [text], state: "approved" });
if (active.state !== "approved") throw new Error("the request is not approved");
const lease = { ...active.lease, state: "active", activeSince: now.toISOString(), endedAt: null, failure: null };
const leasedNow = { still: [{ ...active, lease }], ids: new Set(["r-one"]) } as unknown as BindingFacts["leased"];
const reader = { user: "U0ONCALL", principal: null, isResponsible: true };

function problemsOf(bindings: readonly ClusterBinding[], facts: Partial<BindingFacts> = {}) {
  const leased = { still: [], ids: new Set(["r-one"]) };
  const own = readOwnBindings("staging", bindings, keys.memory);
  const { groups } = bindingProblems({
    ...own,
    cluster: { drift: "report" },
    leased,
    reader,
    now,
    roles: new Map(),
    namespaces: null,
    ...facts,
  });
  return groups.map(({ code, places }) => `${code} ${places.join()}`);
}

describe("of the bindings of leases check reports", () => {
  test("nothing, where each is as its lease says", () => {
    expect(problemsOf([bindingOf(inAnHour)])).toEqual([]);
  });

  test("one with another's annotation or none, by its place", () => {
    const copied = bindingOf(inAnHour, { name: "a-copy" });
    const bare = bindingOf(inAnHour, { name: "bare", namespace: null, annotations: {} });

    expect(problemsOf([copied, bare])).toEqual(["binding-forged shop/a-copy,bare"]);
  });

  test.each(["report", "repair"] as const)(
    "one of a key that the worker lacks, by the key's id, without a word of deletion, and not as missing, with drift: %s",
    (drift) => {
      const own = readOwnBindings("staging", [bindingOf(inAnHour)], otherKeys.memory);

      const { groups } = bindingProblems({
        ...own,
        cluster: { drift },
        leased: leasedNow,
        reader,
        now,
        roles: new Map(),
        namespaces: null,
      });

      const message = `It has eks-access's label, and this worker lacks its key ${keys.memory.ids[0]}.`;
      expect(groups).toMatchObject([
        { code: "binding-key-absent", message, remedy: "Unless it was stolen, add it to MEMORY_KEYS again." },
      ]);
    },
  );

  test("one that is there ten minutes after its lease ended", () => {
    const late = bindingOf("2026-03-01T09:45:00.000Z");

    expect(problemsOf([late])).toEqual([`binding-overdue shop/${late.name}`]);
    expect(problemsOf([bindingOf("2026-03-01T09:55:00.000Z")])).toEqual([]);
  });

  test("one of which the ledger knows no lease", () => {
    const unknown = bindingOf(inAnHour);

    expect(problemsOf([unknown], { leased: { still: [], ids: new Set() } })).toEqual([
      `binding-unknown shop/${unknown.name}`,
    ]);
  });
});

test("a lease's binding that a person changed to another user is reported as removed", () => {
  const edited = bindingOf(inAnHour, { subjects: [{ kind: "User", name: "sso:carol@example.com" }] });

  expect(problemsOf([edited], { leased: leasedNow })).toEqual([`lease-part-removed ${principal}`]);
});

test("a lease's binding in a deleted namespace is not one that the worker restores", () => {
  const facts = {
    ...{ parts: [], forged: [], leased: leasedNow, reader, now, roles: new Map() },
    cluster: { drift: "repair" },
  } as const;
  const told = (namespaces: readonly string[]) =>
    bindingProblems({ ...facts, namespaces: new Set(namespaces) }).groups[0];

  expect(told(["shop"])?.remedy).toBe("The worker restores it within minutes.");
  expect(told([])).toMatchObject({
    message: "`r-one` is active, but its access is missing: the namespace shop is gone.",
    remedy: "Create it, or ask for another one.",
  });
});
