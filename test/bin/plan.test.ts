import { link as hardLink, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCheck } from "../../src/bin/check.ts";
import { runPlan } from "../../src/bin/plan.ts";
import { runCommand } from "./check-run.ts";

const account = "arn:aws:iam::111122223333:";

const file = `# kept by the platform team
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  # the nodes come first
  mapRoles: |
    - rolearn: ${account}role/node
      username: system:node:{{EC2PrivateDNSName}}
      groups: [system:bootstrappers, system:nodes]
    - rolearn: ${account}role/dev
      username: dev:{{SessionName}}
      groups:
        - viewers
  mapUsers: |
    - userarn: ${account}user/alice
      username: alice
`;

const plan = (...argv: string[]) => runCommand(runPlan, ["-", ...argv], { stdin: file });
const add = (arn: string, username: string, groups: string) => [
  "--add",
  arn,
  "--username",
  username,
  "--groups",
  groups,
];

describe("eks-access plan", () => {
  it("shows the difference and who can do what before and after", async () => {
    const run = await plan(...add(`${account}role/ops`, "ops:{{SessionName}}", "operators,viewers"));

    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain('+- rolearn: "arn:aws:iam::111122223333:role/ops"\n');
    expect(run.stdout).toContain("before: no access: the cluster refuses it\n");
    expect(run.stdout).toContain('after:  username "ops:eks-access", groups operators, viewers\n');
    expect(run.stdout).toMatch(/has \d+ bytes left/);
    expect(run.stdout).not.toContain("\u001b[");
  });

  it("paints the difference where colour helps", async () => {
    const argv = ["-", ...add(`${account}role/dev`, "dev:{{SessionName}}", "editors")];

    const run = await runCommand(runPlan, argv, { stdin: file, colour: true });

    expect(run.stdout).toContain("\u001b[31m-    - viewers");
    expect(run.stdout).toContain('\u001b[32m+    - "editors"');
    expect(run.stdout).toContain("\u001b[36m@@");
  });

  it("escapes a document where colour helps too", async () => {
    const argv = ["-", ...add(`${account}role/dev`, "dev:{{SessionName}}", "editors")];
    const stdin = file.replace("  - viewers", "  - viewers # \u202e a comment");

    const run = await runCommand(runPlan, argv, { stdin, colour: true });

    expect(run.stdout).toContain("- viewers # \\u202e a comment");
  });

  it("takes additions and removals mixed, in any order", async () => {
    const run = await plan(
      "--remove",
      `${account}user/alice`,
      ...add(`${account}user/bob`, "bob", "viewers"),
      "--json",
    );

    const report = JSON.parse(run.stdout);
    expect(report).toMatchObject({ ok: true, refusal: null });
    expect(report.after.mapUsers).toBe(
      `- userarn: "${account}user/bob"\n  username: "bob"\n  groups:\n    - "viewers"\n`,
    );
    expect(report.changes).toEqual([
      { arn: `${account}user/alice`, before: { username: "alice", groups: [] }, after: null },
      { arn: `${account}user/bob`, before: null, after: { username: "bob", groups: ["viewers"] } },
    ]);
    expect(report.diff).toContain("--- a/mapUsers\n+++ b/mapUsers\n");
  });

  it("keeps what is left out of an entry that is there", async () => {
    const groups = await plan("--add", `${account}role/dev`, "--username", "developer", "--json");
    const username = await plan("--add", `${account}role/dev`, "--groups", "", "--json");

    expect(JSON.parse(groups.stdout).changes[0].after).toEqual({ username: "developer", groups: ["viewers"] });
    expect(JSON.parse(username.stdout).changes[0].after).toEqual({ username: "dev:eks-access", groups: [] });
  });

  it("answers 1 with a code and a sentence where it refuses, and plans nothing of the rest", async () => {
    const run = await plan(
      ...add(`${account}role/*`, "all", "viewers"),
      ...add(`${account}role/ops`, "ops", "a"),
      "--json",
    );

    const report = JSON.parse(run.stdout);
    expect(run.code).toBe(1);
    expect(report).toMatchObject({ ok: false, refusal: { code: "arn-wildcard" }, diff: "", changes: [] });
    expect(report.after.mapUsers).toBe(`- userarn: ${account}user/alice\n  username: alice\n`);
  });

  it("says a refusal in one line for people", async () => {
    const run = await plan("--remove", `${account}role/node`);

    expect(run).toMatchObject({ code: 1, stderr: "" });
    expect(run.stdout).toMatch(/^Refused: Nodes sign in as .* \[node-entry\]\n$/);
  });

  it("refuses a document that can't be read", async () => {
    const run = await runCommand(runPlan, ["-", "--remove", `${account}role/dev`, "--json"], {
      stdin: 'mapRoles: "- ["\n',
    });

    expect(run.code).toBe(1);
    expect(JSON.parse(run.stdout).refusal.code).toBe("section-unreadable");
  });

  it.each([
    ["username: dev:{{SessionName}}", "username: a: b", "mapRoles, line 14 of the file: The authenticator"],
    [`rolearn: ${account}role/dev`, `rolearn: ${account}role/d*v`, "(mapRoles, line 13 of the file) also matches"],
  ])("names the line of the file for %s", async (is, was, where) => {
    const argv = ["-", ...add(`${account}role/dev`, "dev", "editors")];

    const run = await runCommand(runPlan, argv, { stdin: file.replace(is, was) });

    expect(run.stdout).toContain(where);
  });

  it("names an ARN that can't be mapped before a section that can't be read", async () => {
    const run = await runCommand(runPlan, ["-", "--json", ...add("nonsense", "ops", "operators")], {
      stdin: "mapRoles: '['",
    });

    expect(JSON.parse(run.stdout).refusal.message).toMatch(/^This is not an IAM ARN/);
  });

  it.each([
    ["--creator", ["--creator", `${account}role/ops`], "creator"],
    ["--account", ["--account", "444455556666"], "foreign-account"],
    ["--partition", ["--partition", "aws-cn"], "foreign-partition"],
  ])("guards by %s", async (_option, argv, code) => {
    const run = await plan(...add(`${account}role/ops`, "ops", "a"), ...argv, "--json");

    expect(JSON.parse(run.stdout).refusal?.code).toBe(code);
  });

  it.each([
    [
      "--allow-account",
      [...add(`${account}role/ops`, "ops", "a"), "--account", "444455556666", "--allow-account", "111122223333"],
    ],
    ["--allow-masters", [...add(`${account}role/ops`, "ops", "system:masters"), "--allow-masters"]],
  ])("lets through what %s names", async (_option, argv) => {
    const run = await plan(...argv);

    expect(run.code).toBe(0);
  });

  it("refuses to remove the last administrator, unless an option allows it", async () => {
    const stdin = `mapRoles: |\n  - rolearn: ${account}role/a\n    username: a\n    groups: [system:masters]\n`;
    const argv = ["-", "--remove", `${account}role/a`];

    const refused = await runCommand(runPlan, argv, { stdin });
    const allowed = await runCommand(runPlan, [...argv, "--allow-no-administrator"], { stdin });

    expect([refused.code, allowed.code]).toEqual([1, 0]);
  });

  it("says so when there is nothing to change", async () => {
    const run = await plan("--remove", `${account}role/ops`);

    expect(run).toEqual({
      code: 0,
      stdout: "Nothing to change.\n",
      stderr: "",
    });
  });

  it.each([
    ["no change", ["-"]],
    ["no file", ["--remove", "x"]],
    ["a username without an addition", ["-", "--username", "x", "--add", "y"]],
    ["groups behind a removal", ["-", "--remove", "x", "--groups", "y"]],
    ["a username given twice", ["-", "--add", "x", "--username", "a", "--username", "b"]],
    ["a change and a repair at once", ["-", "--remove", "x", "--repair", "1"]],
    ["a creator that no caller is", ["-", "--remove", "x", "--creator", "111122223333:role/ops"]],
    ["two creators", ["-", "--remove", "x", "--creator", `${account}role/a`, "--creator", `${account}role/b`]],
    ["an unknown option", ["-", "--force"]],
  ])("answers 2 and the usage for %s", async (_what, argv) => {
    const run = await runCommand(runPlan, argv, { stdin: file });

    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toContain("Usage: eks-access plan");
  });

  it("asks for the username of an entry that is not there yet", async () => {
    const run = await plan("--add", `${account}role/ops`, "--groups", "a");

    expect(run.code).toBe(2);
    expect(run.stderr).toContain("Add --username for it");
  });

  it("answers 2 for a section that is no text", async () => {
    const run = await runCommand(runPlan, ["-", "--remove", "x"], { stdin: file.replace("mapUsers: |", "mapUsers:") });

    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toContain("-:17:3: The value of mapUsers is not text. Write mapUsers: |");
  });

  it("shows who can sign in after a repair of mapAccounts", async () => {
    const stdin = "kind: ConfigMap\ndata:\n  mapAccounts: |\n    # \ufeff\n    - '111122223333'\n";

    const one = await runCommand(runPlan, ["-", "--repair", "1"], { stdin });

    expect(one.stdout).toContain(
      "111122223333\n  before: no access: the cluster refuses it\n  after:  each caller gets its ARN as username, no groups\n",
    );
  });

  it("lists repairs by number, and plans the one that is asked for", async () => {
    const stdin = file.replace("role/dev", "role/team/dev");

    const list = await runCommand(runPlan, ["-", "--repairs"], { stdin });
    const json = await runCommand(runPlan, ["-", "--repairs", "--json"], { stdin });
    const one = await runCommand(runPlan, ["-", "--repair", "1", "--json"], { stdin });

    expect([list.code, json.code, one.code]).toEqual([0, 0, 0]);
    expect(list.stdout).toContain(`1. -:13: Writes ${account}role/dev instead of ${account}role/team/dev`);
    expect(JSON.parse(json.stdout).repairs).toMatchObject([{ code: "arn-path", section: "mapRoles", line: 13 }]);
    expect(JSON.parse(one.stdout).after.mapRoles).toContain(`rolearn: "${account}role/dev"`);
  });

  it("lists repairs at the lines at which check reports their problems", async () => {
    const other = `- username: b\n      rolearn: ${account}role/x/b\n`;
    const stdin = file.replace("role/dev", "role/team/dev").replace("  mapRoles: |\n", `  mapRoles: |\n    ${other}`);

    const check = await runCommand(runCheck, ["-", "--json"], { stdin });
    const repairs = await runCommand(runPlan, ["-", "--repairs", "--json"], { stdin });

    const linesOf = (problems: readonly { code: string; line: number }[]) =>
      problems.flatMap(({ code, line }) => (code === "arn-path" ? [line] : []));
    expect(linesOf(JSON.parse(repairs.stdout).repairs)).toHaveLength(2);
    expect(linesOf(JSON.parse(repairs.stdout).repairs)).toEqual(linesOf(JSON.parse(check.stdout).problems));
  });

  it("first says what is wrong with an ARN that can't be mapped", async () => {
    const run = await plan("--add", `${account}role/team/dev`);

    expect(run.code).toBe(1);
    expect(run.stdout).toContain("Write the role without its path");
    expect(run.stdout).not.toContain("--username");
  });

  it("says so when there is nothing to repair, and answers 2 for a repair that is not offered", async () => {
    const list = await plan("--repairs");
    const one = await plan("--repair", "1");

    expect(list).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("No repairs"),
    });
    expect(one).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("No such repair") });
  });
});

describe("eks-access plan --out", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "eks-access-plan-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function write(stdin: string, ...argv: string[]) {
    const out = join(folder, "out");
    const run = await runCommand(runPlan, ["-", ...argv, "--out", out], { stdin });
    return { run, text: await readFile(out, "utf8") };
  }

  it("changes no line of the file but those of the plan", async () => {
    const { run, text } = await write(file, ...add(`${account}role/dev`, "dev:{{SessionName}}", "viewers,editors"));

    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^Wrote .+out\.$/m);
    expect(text).toBe(file.replace("        - viewers\n", '        - viewers\n        - "editors"\n'));
  });

  it("takes a section that is empty out of the file, and puts one that is new into it", async () => {
    const removed = await write(file, "--remove", `${account}user/alice`);
    const added = await write(removed.text, ...add(`${account}user/bob`, "bob", "viewers"));

    expect(removed.text).toBe(file.slice(0, file.indexOf("  mapUsers")));
    expect(added.text).toBe(
      `${removed.text}  mapUsers: |\n    - userarn: "${account}user/bob"\n      username: "bob"\n      groups:\n        - "viewers"\n`,
    );
  });

  it("writes a ConfigMap for bare data, and JSON for JSON", async () => {
    const data = { mapUsers: `- userarn: ${account}user/alice\n  username: alice\n`, other: "stays" };
    const bare = await write(JSON.stringify(data), "--remove", `${account}user/alice`);
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "aws-auth", uid: "u-1" }, data };
    const json = await write(JSON.stringify(object), "--remove", `${account}user/alice`);

    expect(JSON.parse(bare.text)).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "aws-auth", namespace: "kube-system" },
      data: { other: "stays" },
    });
    expect(JSON.parse(json.text)).toEqual({ ...object, data: { other: "stays" } });
  });

  it("reads the file that PowerShell writes", async () => {
    const json = JSON.stringify({ kind: "ConfigMap", data: { other: "stays" } });
    const path = join(folder, "utf-16.json");
    await writeFile(path, `\ufeff${json}`, "utf16le");
    const argv = [path, ...add(`${account}user/bob`, "bob", "viewers"), "--out", join(folder, "out")];

    const run = await runCommand(runPlan, argv);

    expect(run.code).toBe(0);
    expect(JSON.parse(await readFile(join(folder, "out"), "utf8")).data).toMatchObject({ other: "stays" });
  });

  it("writes and shows nothing where the file would lose other text", async () => {
    const stdin = `${file.replace("mapUsers: |", "mapUsers: &a |")}  leans: *a\n`;
    const argv = ["--remove", `${account}user/alice`, "--out", join(folder, "lost")];
    const run = await runCommand(runPlan, ["-", ...argv], { stdin });

    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toContain("eks-access can't change - alone. Give each field its own line, without anchors.");
  });

  it("replaces a file as a whole, also behind a link, with its mode, so that no plan leaves half of it", async () => {
    const [out, link, old] = ["kept", "link", "old"].map((name) => join(folder, name)) as [string, string, string];
    await writeFile(out, file, { mode: 0o600 });
    await Promise.all([symlink("kept", link), hardLink(out, old)]);

    const run = await runCommand(runPlan, [link, "--remove", `${account}user/alice`, "--out", link]);

    expect(run.code).toBe(0);
    expect(await readFile(old, "utf8")).toBe(file);
    expect(await readFile(out, "utf8")).toBe(file.slice(0, file.indexOf("  mapUsers")));
    expect([(await lstat(link)).isSymbolicLink(), (await stat(out)).mode & 0o777]).toEqual([true, 0o600]);
    expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("writes to a device as it is, and says that it has no room", async () => {
    const run = await plan("--remove", `${account}user/alice`, "--out", "/dev/full");

    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining("Can't write /dev/full: no space left on") });
  });

  it("answers 2 where it can't write", async () => {
    const run = await plan("--remove", `${account}user/alice`, "--out", join(folder, "absent", "out"));

    expect(run.code).toBe(2);
    expect(run.stderr).toContain(": no such file");
  });
});
