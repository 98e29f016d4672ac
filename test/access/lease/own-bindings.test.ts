import { describe, expect, test } from "vitest";
import type { Share } from "../../../src/access/lease/lease-record.ts";
import {
  bindingFor,
  bindingName,
  type ClusterBinding,
  holdingsOf,
  isAsSent,
  readOwnBindings,
} from "../../../src/access/lease/own-bindings.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { cpuTimeOf } from "../../cpu-time.ts";

const text = "ClusterRole edit in shop";
const alice = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/alice@example.com";

const share: Share = {
  id: "r-one",
  groups: [text, "ClusterRole view"],
  endsAt: "2026-07-25T11:00:00.000Z",
  level: "editor",
  requester: "U0ENGINEER",
  emergency: false,
  approvers: ["U0APPROVER"],
};

const lease = { principal: alice, user: "eks-access:111122223333:Developer:alice@example.com", share };

function stored(change: Partial<ClusterBinding> = {}, given = text): ClusterBinding {
  const made = bindingFor("staging", lease, given, keys.memory);
  if (!made) throw new Error(`${given} is no role`);
  const { user, ...binding } = made;
  return { ...binding, uid: "u-1", subjects: [{ kind: "User", name: user }], deletedAt: null, ...change };
}

describe("a binding of a lease", () => {
  test("names the role, the namespace and the user, and finds its lease again", () => {
    const binding = stored();
    const { parts, forged } = readOwnBindings("staging", [binding], keys.memory);

    expect(binding).toMatchObject({ namespace: "shop", role: { kind: "ClusterRole", name: "edit" } });
    expect(binding.labels).toMatchObject({
      "app.kubernetes.io/managed-by": "eks-access",
      "eks-access/request": "r-one",
    });
    expect(parts).toMatchObject([{ text, principal: alice, user: lease.user, share, isIntact: true }]);
    expect(forged).toEqual([]);
  });

  test("has a name that follows from the lease and the role: a second one can't be made beside it", () => {
    expect(stored().name).toBe(bindingName("r-one", text));
    expect(stored({}, "ClusterRole view").name).not.toBe(stored().name);
    expect(stored().name).toMatch(/^eks-access-r-one-[0-9a-f]{8}$/);
  });

  test.each<[string, Partial<ClusterBinding>]>([
    ["another user", { subjects: [{ kind: "User", name: "mallory" }] }],
    [
      "a user more",
      {
        subjects: [
          { kind: "User", name: lease.user },
          { kind: "User", name: "mallory" },
        ],
      },
    ],
    ["a group of the same name", { subjects: [{ kind: "Group", name: lease.user }] }],
    ["nobody", { subjects: [] }],
    ["another role", { role: { kind: "ClusterRole", name: "cluster-admin" } }],
    ["a Role of the same name", { role: { kind: "Role", name: "edit" } }],
    ["somebody who deletes it", { deletedAt: "2026-07-25T10:00:00Z" }],
  ])("is ours and not intact with %s", (_, change) => {
    const { parts } = readOwnBindings("staging", [stored(change)], keys.memory);

    const sent = bindingFor("staging", lease, text, keys.memory) ?? expect.unreachable("it is a role");
    expect(parts).toMatchObject([{ share: { id: "r-one" }, isIntact: false }]);
    expect(isAsSent(sent, stored(change))).toBe(false);
  });

  test("is as it was sent where admission added a label and an annotation, and not where it took one of ours", () => {
    const sent = bindingFor("staging", lease, text, keys.memory) ?? expect.unreachable("it is a role");
    const more = { labels: { ...sent.labels, team: "a" }, annotations: { ...sent.annotations, seen: "yes" } };

    expect([stored(), stored(more)].map((made) => isAsSent(sent, made))).toEqual([true, true]);
    const less = [
      { labels: {} },
      { labels: { "eks-access/request": "r-one" } },
      { annotations: {} },
      { annotations: { "eks-access/lease": "{}" } },
    ];
    expect(less.filter((change) => isAsSent(sent, stored(change)))).toEqual([]);
  });

  test.each<[string, Partial<ClusterBinding>]>([
    ["in another namespace", { namespace: "payments" }],
    ["under another name", { name: "eks-access-r-one-copy" }],
    ["for the whole cluster", { namespace: null }],
    ["without its annotation", { annotations: {} }],
    ["with an annotation that is no JSON", { annotations: { "eks-access/lease": "{" } }],
  ])("that was copied is not ours: %s", (_, change) => {
    const { parts, forged } = readOwnBindings("staging", [stored(change)], keys.memory);

    expect(parts).toEqual([]);
    expect(forged).toHaveLength(1);
  });

  test("of another cluster, of another key, or with a later end is not ours", () => {
    const binding = stored();
    const later = JSON.parse(binding.annotations["eks-access/lease"] ?? "");
    later.share.endsAt = "2076-07-25T11:00:00.000Z";
    const edited = { ...binding, annotations: { "eks-access/lease": JSON.stringify(later) } };

    expect(readOwnBindings("production", [binding], keys.memory).parts).toEqual([]);
    expect(readOwnBindings("staging", [binding], otherKeys.memory).parts).toEqual([]);
    expect(readOwnBindings("staging", [edited], keys.memory).parts).toEqual([]);
  });

  test.each([
    ["user", "sso:mallory@example.com"],
    ["principal", alice.replace("alice", "mallory")],
    ["text", "ClusterRole view"],
  ])("with another %s in its annotation is not ours, whatever it gives", (field, value) => {
    const binding = stored({ subjects: [{ kind: "User", name: "sso:mallory@example.com" }] });
    const remembered = JSON.parse(binding.annotations["eks-access/lease"] ?? "");
    const annotations = { "eks-access/lease": JSON.stringify({ ...remembered, [field]: value }) };

    expect(readOwnBindings("staging", [{ ...binding, annotations }], keys.memory).parts).toEqual([]);
  });
});

test("an annotation that our key did not seal costs no parsing", () => {
  const { annotations } = stored();
  const seal = JSON.parse(annotations["eks-access/lease"] ?? "").seal.replace(/.$/, "x");
  const groups = "1,".repeat(128 * 1024);
  const hostile = `{"v":1,"text":"","principal":"","user":"","share":{"groups":[${groups}1]},"seal":"${seal}"}`;
  const bindings = Array.from({ length: 8 }, () => stored({ annotations: { "eks-access/lease": hostile } }));

  const spent = cpuTimeOf(() => expect(readOwnBindings("staging", bindings, keys.memory).parts).toEqual([]));

  expect(spent).toBeLessThan(500);
});

test("bindings are their own memory: any of them shows the whole lease", () => {
  for (const given of share.groups) {
    const { parts } = readOwnBindings("staging", [stored({}, given)], keys.memory);

    expect(holdingsOf(parts)).toEqual([{ arn: alice, entryAdded: false, added: [given], shares: [share] }]);
  }
});

test("of two ends that bindings of a lease remember, the earlier one counts", () => {
  const { parts } = readOwnBindings("staging", [stored()], keys.memory);
  const later = parts.map((part) => ({ ...part, share: { ...share, endsAt: "2026-07-25T12:00:00.000Z" } }));

  for (const all of [
    [...parts, ...later],
    [...later, ...parts],
  ])
    expect(holdingsOf(all)).toMatchObject([{ shares: [{ endsAt: share.endsAt }] }]);
});
