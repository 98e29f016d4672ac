import { expect, test } from "vitest";
import { planDocumentRepair, readmissionsOf } from "../../src/aws-auth/document-repair.ts";
import { finish } from "../../src/aws-auth/go-yaml/budget.ts";
import { cpuTimeOf } from "../cpu-time.ts";

const repairOf = (...given: Parameters<typeof planDocumentRepair>) => finish(planDocumentRepair(...given));
const returnsOf = (...given: Parameters<typeof readmissionsOf>) => finish(readmissionsOf(...given));

const arn = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
const item = (name: string, groups = "viewers") =>
  `- rolearn: ${arn(name)}\n  username: ${name}\n  groups: [${groups}]\n`;
const good = { mapRoles: item("nodes") + item("admins", "system:masters") };

test.each([
  ["absent", null],
  ["empty", {}],
  ["unreadable", { mapRoles: "- rolearn: [" }],
  ["dropped in part", { mapRoles: `${item("nodes")}---\n${item("admins")}` }],
])("a document that is %s becomes the good one, as it was", (_, found) => {
  expect(repairOf(found, good, {})).toMatchObject({ type: "write", data: good });
});

test("other content of the ConfigMap stays", () => {
  expect(repairOf({ other: "x" }, good, {})).toMatchObject({ data: { other: "x", ...good } });
});

const user = (name: string) =>
  `- userarn: arn:aws:iam::111122223333:user/${name}\n  username: ${name}\n  groups: [viewers]\n`;

test("a readable section is not restored: newer people keep their access", () => {
  const saved = { ...good, mapUsers: user("early") };
  const found = { mapRoles: "- rolearn: [", mapUsers: user("late") };

  const repair = repairOf(found, saved, {});

  const data = repair.type === "write" ? repair.data : {};
  expect(data.mapRoles).toBe(good.mapRoles);
  expect(data.mapUsers?.startsWith(user("late"))).toBe(true);
  expect(
    returnsOf({ ...saved, mapUsers: user("early") + user("late") }, data).every(({ isReadmitted }) => isReadmitted),
  ).toBe(true);
});

test("everyone whom a section with a byte order mark admits keeps their access", () => {
  const mapRoles = `# late\ufeff\n${item("newcomer")}`;
  const mapUsers = `# late\ufeff\n${user("late")}`;

  const repair = repairOf({ mapRoles, mapUsers }, { ...good, mapUsers: user("late") }, {});
  const unmarked = repairOf({ ...good, mapUsers }, { ...good, mapUsers: user("late") }, {});

  const data = repair.type === "write" ? repair.data : {};
  expect(data.mapRoles?.startsWith(`# late\n${item("newcomer")}`)).toBe(true);
  expect(returnsOf(good, data).every(({ isReadmitted }) => isReadmitted)).toBe(true);
  expect(data.mapUsers).toBe(`# late\n${user("late")}`);
  expect(unmarked).toMatchObject({
    data: { ...good, mapUsers: data.mapUsers },
    how: expect.stringMatching(/^Removes/),
  });
});

test("everyone whom a section with a byte order mark admits before what it drops keeps their access", () => {
  const mapRoles = `# late\ufeff\n${item("newcomer")}---\n${item("admins")}`;

  const repair = repairOf({ mapRoles }, good, {});

  const data = repair.type === "write" ? repair.data : {};
  const all = { mapRoles: item("newcomer") + good.mapRoles };
  expect(returnsOf(all, data).every(({ isReadmitted }) => isReadmitted)).toBe(true);
  expect(data.mapRoles).not.toMatch(/\ufeff|---/);
});

test("a section with too much to read is not restored, because the authenticator can read it", () => {
  const found = {
    mapRoles: `${good.mapRoles}${item("newcomer")}- [${"a,".repeat(20_000)}]\n`,
    mapUsers: "- userarn: [",
  };

  const message = expect.stringMatching(/^aws-auth: mapRoles, line 10: .* stops reading\. Remove it\.$/);
  for (const saved of [{ ...good, mapUsers: user("early") }, good, null])
    expect(repairOf(found, saved, {})).toEqual({ type: "ask", message });
});

test("everyone whom a partly readable section admits keeps their access", () => {
  const found = { mapRoles: `${item("newcomer")}---\n${item("admins")}` };

  const repair = repairOf(found, good, {});

  const data = repair.type === "write" ? repair.data : {};
  expect(data.mapRoles?.startsWith(good.mapRoles)).toBe(true);
  expect(returnsOf({ mapRoles: item("newcomer") }, data)).toEqual([{ arn: arn("newcomer"), isReadmitted: true }]);
});

test("a good document without the unreadable section repairs nothing, and the answer does not claim it", () => {
  const found = { mapRoles: "- rolearn: [", mapUsers: user("early") };

  expect(repairOf(found, { mapUsers: user("early") }, {})).toMatchObject({
    type: "ask",
    message: expect.stringContaining("mapRoles, line 2"),
  });
});

test("the answer names a principal that the engine does not add, and not as added", () => {
  const foreign = "arn:aws:iam::999999999999:role/partner";
  const saved = { mapRoles: good.mapRoles + item("partner").replace(arn("partner"), foreign) };

  const repair = repairOf({ mapRoles: item("nodes") }, saved, { account: "111122223333" });

  expect(repair).toMatchObject({ type: "write", how: expect.stringContaining(`Not added: ${foreign}`) });
  expect(repair).toMatchObject({ how: expect.stringContaining(`Adds ${arn("admins")}. The`) });
});

test("no one is removed, and a principal with another identity gets the earlier one back", () => {
  const found = { mapRoles: item("newcomer") + item("admins", "viewers") };

  const repair = repairOf(found, good, {});

  expect(repair).toMatchObject({ type: "write", how: expect.stringContaining(arn("admins")) });
  const data = repair.type === "write" ? repair.data : {};
  expect(data.mapRoles?.startsWith(item("newcomer"))).toBe(true);
  expect(returnsOf(good, data)).toEqual([
    { arn: arn("nodes"), isReadmitted: true },
    { arn: arn("admins"), isReadmitted: true },
  ]);
});

const node = `- rolearn: ${arn("node")}\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n`;

test("nodes get their entry back, although no person signs in by it", () => {
  const saved = { mapRoles: node + item("admins") };

  const repair = repairOf({ mapRoles: item("admins") }, saved, {});

  const data = repair.type === "write" ? repair.data : {};
  expect(repair).toMatchObject({ type: "write", how: expect.stringContaining(arn("node")) });
  expect(returnsOf(saved, { mapRoles: item("admins") })).toContainEqual({ arn: arn("node"), isReadmitted: false });
  expect(returnsOf(saved, data).every(({ isReadmitted }) => isReadmitted)).toBe(true);
});

test("nodes of a partly readable section keep their entry, and a role its groups where its account is mapped", () => {
  const found = { mapRoles: `${node}${item("newcomer")}---\n- a\n` };

  const repair = repairOf(found, { ...good, mapAccounts: '["111122223333"]' }, {});

  const data = repair.type === "write" ? repair.data : {};
  expect(returnsOf({ mapRoles: node + item("newcomer") }, data)).toEqual([
    { arn: arn("node"), isReadmitted: true },
    { arn: arn("newcomer"), isReadmitted: true },
  ]);
});

const [one, two, three] = ["111111111111", "222222222222", "333333333333"];
const accounts = (...ids: readonly (string | undefined)[]) => ({ mapAccounts: JSON.stringify(ids) });

test("an account that mapAccounts lost is mapped again", () => {
  const saved = { ...good, ...accounts(one, two) };

  expect(repairOf({ ...good, ...accounts(two) }, saved, {})).toMatchObject({ type: "write", data: saved });
});

test("an account that no edit can add to those of newer people is named, and does not count as back", () => {
  const found = { ...good, ...accounts(two, three) };
  const saved = { ...good, ...accounts(one, two) };

  expect(repairOf(found, saved, {})).toEqual({
    type: "ask",
    message: "Add the account 111111111111 to mapAccounts by hand.",
  });
  expect(repairOf({ ...found, mapRoles: "" }, saved, {})).toMatchObject({
    type: "write",
    data: found,
    how: expect.stringContaining("Not added: 111111111111. Add the account"),
  });
  expect(returnsOf(saved, found)).toContainEqual({ arn: one, isReadmitted: false });
});

test("a document that has all of the good one is whole", () => {
  expect(repairOf({ mapRoles: good.mapRoles + item("newcomer") }, good, {})).toEqual({ type: "whole" });
});

test.each([
  [{}, "it maps no one"],
  [{ mapRoles: "- rolearn: [" }, "mapRoles, line 2"],
])("an unusable good document is not written: %j", (given, why) => {
  expect(repairOf(null, given, {})).toMatchObject({ type: "ask", message: expect.stringContaining(why) });
});

test.each([
  [null, "aws-auth is missing"],
  [{}, "aws-auth maps no one"],
  [{ mapRoles: "- rolearn: [" }, "mapRoles, line 2"],
])("without a good document nothing is guessed: %j", (found, why) => {
  const repair = repairOf(found, null, {});

  expect(repair).toMatchObject({ type: "ask", message: expect.stringContaining(why) });
  expect(repair).toMatchObject({ message: expect.stringContaining("--document") });
});

test("without a good document, a readable section stays as it is", () => {
  expect(repairOf(good, null, {})).toEqual({ type: "whole" });
});

test("the answer names everyone who does not get in again", () => {
  expect(returnsOf(good, { mapRoles: item("nodes") })).toEqual([
    { arn: arn("nodes"), isReadmitted: true },
    { arn: arn("admins"), isReadmitted: false },
  ]);
});

test("half a mebibyte of good entries beside as many others is looked through once, not once for each entry", () => {
  const many = (name: string) => ({
    mapRoles: Array.from({ length: 8_000 }, (_, index) => item(`${name}-${index}`)).join(""),
  });
  const [found, kept] = [many("crew"), many("team")];

  const took = cpuTimeOf(() =>
    expect(repairOf(found, kept, {})).toMatchObject({ type: "ask", message: expect.stringContaining("bytes") }),
  );

  expect(took).toBeLessThan(8000);
});
