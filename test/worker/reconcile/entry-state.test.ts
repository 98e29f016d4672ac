import { expect, test } from "vitest";
import { sealWritten } from "../../../src/access/lease/holding.ts";
import { maxWithdrawalTags, writeWithdrawalTags } from "../../../src/access/lease/withdrawal.ts";
import { sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { type EntriesToRead, otherNames, readEntryState } from "../../../src/worker/reconcile/entry-state.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, aProof } from "../../builders/a-request.ts";
import { aHolding, aShare } from "../../builders/a-share.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { anEntry } from "../../builders/an-entry.ts";
import { keys } from "../../builders/keys.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const arnOf = (name: string) => `arn:aws:iam::111122223333:user/${name}`;
const [ann, ben, cleo] = [arnOf("ann"), arnOf("ben"), arnOf("cleo")];
const role = "arn:aws:iam::111122223333:role/team/dev";
/** Active, with the worker's seal of what it wrote. */
function inForceFor(principal: string) {
  const request = aLeasedRequest({}, { id: "r-ann", principal });
  const holding = aHolding({ arn: ann, shares: [aShare({ id: request.id })] });
  const written = sealWritten(sealedClusterOf(aCluster()), request, holding, keys.memory, "access-entry");
  return { ...request, lease: { ...request.lease, written } };
}

const inForce = inForceFor(ann);
const arriving = anApprovedRequest({ id: "r-ben", principal: ben });

const revoked = (id: string) => ({ id, at: at(hours(1)).toISOString(), endsAt: at(hours(9)).toISOString() });

function tagsOf(ids: readonly string[]) {
  return writeWithdrawalTags(sealedClusterOf(aCluster()), { list: ids.map(revoked), notBefore: null }, keys.memory);
}

interface ReadGiven {
  readonly now?: Date;
  readonly tags?: Readonly<Record<string, string>>;
  /** Of each entry. */
  readonly change?: Parameters<typeof anEntry>[0];
}

/** Reads the state of a cluster in which Ann and Ben have an entry, and says whose was described. */
async function read(
  open: readonly AccessRequest[],
  which: EntriesToRead,
  { now = at(minutes(10)), tags = {}, change = {} }: ReadGiven = {},
) {
  const described: string[] = [];
  const listed = [ann, ben, role];
  let lists = 0;
  const entries = {
    list: async () => {
      lists += 1;
      return listed;
    },
    describe: async (principalArn: string) => {
      described.push(principalArn);
      return listed.includes(principalArn) ? anEntry({ principalArn, ...change }) : null;
    },
  };
  const client = { readAwsAuth: async () => null };
  const opened = { entries, client, creatorArn: arnOf("creator"), tags, mode: "API" as const };
  const state = await readEntryState(opened, aCluster(), keys, open, { which, now });
  return { described, lists, state };
}

test("a run for users asks for their entries by name, and lists none of the others", async () => {
  const { described, lists, state } = await read(
    [inForce, arriving, { ...arriving, id: "r-cleo", principal: cleo }],
    "due",
  );

  expect([lists, described]).toEqual([0, [ben, cleo]]);
  expect([ann, ben, cleo].map(state.isRead)).toEqual([false, true, true]);
  expect(state.entries.has(cleo)).toBe(false);
});

test("a run lists the entries where one may have another ARN than the request: for a role, and for what ends", async () => {
  const ofRole = await read([{ ...arriving, principal: "arn:aws:iam::111122223333:role/dev" }], "due");
  const ending = inForceFor(ann.toUpperCase().replace(":USER/", ":user/"));
  const over = await read([ending], "due", { now: at(hours(5)) });
  const begun = {
    ...arriving,
    principal: cleo,
    lease: { ...arriving.lease, writeBegan: at(minutes(1)).toISOString() },
  };
  const again = await read([begun], "due");

  expect([ofRole.lists, ofRole.described]).toEqual([1, [role]]);
  expect([over.lists, over.described.at(-1)]).toEqual([1, ann]);
  expect([again.lists, again.state.isRead(ann)]).toEqual([1, false]);
});

test("a role's entry is described by the ARN that its proof saw, and by no other text in its record", async () => {
  const ofRole = inForceFor("arn:aws:iam::111122223333:role/dev");
  const seen = (entryArn: string) => ({ ...ofRole, lease: { ...ofRole.lease, proof: aProof({ entryArn }) } });
  const late = { now: at(hours(5)) };
  const known = await read([seen(role)], "due", late);
  const forged = await read([seen("arn:aws:iam::111122223333:role/a b/dev")], "due", late);
  const ofOther = await read([seen(ann)], "due", late);

  expect([known.lists, known.described]).toEqual([0, [role]]);
  expect([forged, ofOther].map(({ lists, described }) => [lists, described])).toEqual(Array(2).fill([1, [role]]));
});

test("a run describes the entries of leases with something to be done, and no other one", async () => {
  const { described, state } = await read([inForce, arriving], "due");

  expect(described).toEqual([ben]);
  expect([ann, ben].map(state.isRead)).toEqual([false, true]);
});

test("a principal that a list does not have has no entry: nothing of it is left to be read", async () => {
  const gone = aLeasedRequest({}, { id: "r-cleo", principal: cleo });

  const { described, state } = await read(
    [inForce, gone, { ...arriving, principal: "arn:aws:iam::111122223333:role/dev" }],
    "due",
  );

  expect(described).toEqual([role]);
  expect([state.isRead(cleo), state.identityOf(cleo)]).toEqual([true, null]);
});

test("an inspection describes the entry of each lease", async () => {
  const { described, state } = await read([inForce, arriving], "requested");

  expect(described).toEqual([ann, ben]);
  expect([ann, ben].map(state.isRead)).toEqual([true, true]);
});

test("a run describes the entry of a lease that is over, and of one with trouble", async () => {
  const over = await read([inForce], "due", { now: at(hours(5)) });
  const troubled = await read([{ ...inForce, trouble: aTrouble() }], "due");

  expect([over.described, troubled.described]).toEqual([[ann], [ann]]);
});

test("a run describes the entry of a lease that the cluster knows to be revoked", async () => {
  const { described } = await read([inForce, arriving], "due", { tags: tagsOf(["r-ann"]) });

  expect(described).toEqual([ann, ben]);
});

test("a run describes every entry where the cluster may have to forget a revocation", async () => {
  const others = Array.from({ length: maxWithdrawalTags }, (_, index) => `r-other${index}`);

  const { described } = await read([inForce, arriving], "due", { tags: tagsOf(others) });

  expect(described).toEqual([ann, ben]);
});

test("an entry that has no tags is ours only where a run had begun to write the lease of its principal", async () => {
  const writeBegan = at(minutes(1)).toISOString();
  const unproved = { ...arriving, lease: { ...arriving.lease, writeBegan } };
  const unsealed = aLeasedRequest({ writeBegan }, { id: "r-ben", principal: ben });
  const held = async (request: AccessRequest) => {
    const change = { username: "eks-access:someone", groups: [] };
    const { holdings } = (await read([request], "all", { change })).state;
    return [...holdings.values()].map(({ arn, added }) => [arn, added]);
  };

  // Also with groups that are not there yet: another run's call can be on its way.
  const all = [[ben, arriving.groups.toSorted()]];
  expect(await Promise.all([unproved, arriving, unsealed].map(held))).toEqual([all, [], []]);
});

test("an entry that has no tags is ours until it is gone, though the cluster knows already that its approval does not count", async () => {
  const begun = { ...arriving, lease: { ...arriving.lease, writeBegan: at(minutes(1)).toISOString() } };
  const given = { tags: tagsOf([begun.id]), change: { username: "eks-access:someone" } };

  expect([...(await read([begun], "all", given)).state.holdings.keys()]).toEqual([ben]);
});

const username = "sso:{{SessionNameRaw}}";
const arns = Array.from({ length: 60 }, (_, index) => `arn:aws:iam::111122223333:role/role-${index}`);

const entriesWith = (usernameOf: (arn: string) => Promise<string>, listed = arns) => ({
  list: async () => listed,
  identityOf: async (arn: string) => ({ username: await usernameOf(arn), groups: [] }),
});

test("of many access entries a bounded number is read, and the rest is counted", async () => {
  const { entries, unread } = await otherNames(
    entriesWith(async () => username),
    () => true,
  );

  expect(entries[0]).toEqual({ arn: arns[0], username });
  expect([entries.length, unread]).toEqual([50, 10]);
});

test("an entry that can't be read counts as unread, and fails no preview", async () => {
  const read = async (arn: string) => (arn === arns[0] ? Promise.reject(new Error("throttled")) : username);
  const names = await otherNames(entriesWith(read, arns.slice(0, 2)), () => true);

  expect(names).toMatchObject({ entries: [{ arn: arns[1] }], unread: 1 });
});

test("none is read where no request gives a new username", async () => {
  const read = () => Promise.reject(new Error("not to be read"));

  expect(await otherNames(entriesWith(read), () => false)).toEqual({ entries: [], unread: 0 });
});
