import { expect, test } from "vitest";
import { arns } from "../../sandbox/scene.ts";
import { type AccessEntry, writeHoldingTags } from "../../src/access-entry/index.ts";
import type { AccessEntries } from "../../src/aws/access-entries.ts";
import { guardedEntries } from "../../src/worker/upkeep/end-without-ledger.ts";
import { aHolding, aShare } from "../builders/a-share.ts";
import { keys } from "../builders/keys.ts";

const { engineer } = arns;
const tagsOf = (...ids: readonly string[]) => {
  const shares = ids.map((id) => aShare({ id }));
  return writeHoldingTags("analytics", aHolding({ arn: engineer, shares }), keys.memory, {
    madeAt: new Date(0).toISOString(),
  });
};

/** An entry that others change, and the changing calls that reached EKS. */
function anEntryWith(tags: AccessEntry["tags"]) {
  const sent: string[] = [];
  const entry = { principalArn: engineer, arn: "", type: "STANDARD", username: "e", groups: [], policies: [], tags };
  const state = { entry: entry as AccessEntry | null };
  const call = (name: string) => async () => void sent.push(name);
  const entries = {
    describe: async () => state.entry,
    ...{ tag: call("tag"), untag: call("untag"), setGroups: call("groups"), remove: call("remove") },
    ...{ disassociate: call("disassociate"), associate: call("associate"), create: call("create") },
  } as unknown as AccessEntries;
  return { sent, state, guarded: guardedEntries(entries, "analytics", keys.memory) };
}

test("a run without the ledger stops when another run claims something in the entry", async () => {
  const { sent, state, guarded } = anEntryWith(tagsOf("r-one"));
  await guarded.describe(engineer);
  await guarded.setGroups(engineer, []);
  if (state.entry) state.entry = { ...state.entry, tags: tagsOf("r-one", "r-new") };

  await expect(guarded.remove(engineer)).rejects.toMatchObject({ code: "access-entry-conflict" });
  expect(sent).toEqual(["groups"]);
});

test.each([
  ["that it has not read", tagsOf("r-one"), false],
  ["whose tags are not ours", { ...tagsOf("r-one"), "eks-access/held": "1 1 00000000.00" }, true],
])("it changes no entry %s", async (_, tags, isRead) => {
  const { sent, guarded } = anEntryWith(tags);
  if (isRead) await guarded.describe(engineer);

  await expect(guarded.remove(engineer)).rejects.toMatchObject({ code: "access-entry-conflict" });
  expect(sent).toEqual([]);
});

test("it gives nothing, whatever a plan says", async () => {
  const { sent, guarded } = anEntryWith(tagsOf("r-one"));
  await guarded.describe(engineer);
  const policy = { name: "AmazonEKSViewPolicy", namespaces: null };
  const entry = { principalArn: engineer, username: "e", groups: [], tags: {} };

  await expect(guarded.associate(engineer, policy)).rejects.toMatchObject({ code: "access-entry-conflict" });
  await expect(guarded.create(entry)).rejects.toMatchObject({ code: "access-entry-conflict" });
  expect(sent).toEqual([]);
});
