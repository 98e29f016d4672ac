import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCheck } from "../../src/bin/check.ts";
import { runCommand } from "./check-run.ts";

const account = "arn:aws:iam::111122223333:";

const good = `apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  mapRoles: |
    - rolearn: ${account}role/dev
      username: dev:{{SessionName}}
      groups:
        - viewers
    - rolearn: ${account}role/admin
      username: admin:{{SessionName}}
      groups:
        - system:masters
  mapAccounts: |
    - "111122223333"
`;

const bad = good.replace("role/dev", "role/team/dev").replace("- viewers", "- 12");

const check = (stdin: string, ...argv: string[]) => runCommand(runCheck, ["-", ...argv], { stdin });

describe("eks-access check", () => {
  it("answers 0 if there are only notices, and prints them", async () => {
    const run = await check(good);

    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("-:15:11: notice: ");
    expect(run.stdout).toContain("0 errors, 0 warnings, 2 notices\n");
  });

  it("answers 1 and names file, line and column of each problem, with its remedy", async () => {
    const run = await check(bad);

    expect(run.code).toBe(1);
    expect(run.stdout).toContain("-:8:16: error: ");
    expect(run.stdout).toContain("[arn-path]\n    Write arn:aws:iam::111122223333:role/dev.\n");
    expect(run.stdout).toContain("-:11:11: error: This group is a number (12)");
  });

  it("says who a caller would be", async () => {
    const run = await check(
      good,
      "--arn",
      "arn:aws:sts::111122223333:assumed-role/dev/bob@example.com",
      "--arn",
      "arn:aws:iam::444455556666:user/eve",
    );

    expect(run.stdout).toContain('dev/bob@example.com: username "dev:bob-example.com", groups viewers\n');
    expect(run.stdout).toContain("user/eve: no access: the cluster refuses it\n");
  });

  it("escapes what a terminal would carry out", async () => {
    const named = `mapUsers: '[{userarn: "${account}user/eve", username: "e\\e[2J", groups: ["g\\e[2J\\u202e"]}]'\n`;

    const run = await check(named, "--arn", `${account}user/eve`);

    expect(run.stdout).toContain('username "e\\u001b[2J", groups "g\\u001b[2J\\u202e"');
    expect([...run.stdout].filter((letter) => letter === "\u001b" || letter === "\u202e")).toEqual([]);
  });

  it("prints one JSON object with --json", async () => {
    const run = await check(bad, "--json", "--arn", `${account}role/dev`, "--arn", `${account}user/bob`);

    const report = JSON.parse(run.stdout);
    expect(report.ok).toBe(false);
    expect(report.problems[0]).toEqual({
      code: "arn-path",
      severity: "error",
      section: "mapRoles",
      line: 8,
      column: 16,
      message: expect.stringContaining("without its path"),
      remedy: "Write arn:aws:iam::111122223333:role/dev.",
    });
    expect(report.entries).toEqual([
      {
        section: "mapRoles",
        arn: `${account}role/team/dev`,
        username: "dev:{{SessionName}}",
        groups: [""],
        line: 8,
        reachable: false,
      },
      {
        section: "mapRoles",
        arn: `${account}role/admin`,
        username: "admin:{{SessionName}}",
        groups: ["system:masters"],
        line: 12,
        reachable: true,
      },
      { section: "mapAccounts", arn: "111122223333", username: "", groups: [], line: 17, reachable: true },
    ]);
    expect(report.resolved).toEqual({
      [`${account}role/dev`]: { username: `${account}role/dev`, groups: [] },
      [`${account}user/bob`]: { username: `${account}user/bob`, groups: [] },
    });
  });

  it("prints SARIF with --sarif", async () => {
    const run = await check(bad, "--sarif");

    const [sarif] = JSON.parse(run.stdout).runs;
    expect(run.code).toBe(1);
    expect(sarif.results[0]).toMatchObject({
      ruleId: "arn-path",
      level: "error",
      locations: [
        { physicalLocation: { artifactLocation: { uri: "stdin" }, region: { startLine: 8, startColumn: 16 } } },
      ],
    });
    expect(sarif.results.map((result: { level: string }) => result.level)).toContain("note");
    for (const { ruleId, ruleIndex } of sarif.results) expect(sarif.tool.driver.rules[ruleIndex].id).toBe(ruleId);
  });

  it("reads JSON, bare data and the right one of several documents alike", async () => {
    const roles = `- rolearn: ${account}role/team/dev\n  username: dev\n`;
    const json = JSON.stringify({ kind: "ConfigMap", metadata: { name: "aws-auth" }, data: { mapRoles: roles } });
    const list = JSON.stringify({ kind: "List", items: [{ kind: "Secret" }, JSON.parse(json)] });
    const escaped = json.replaceAll("/", "\\/");
    const bare = `mapRoles: |\n  ${roles.trimEnd().replaceAll("\n", "\n  ")}\n`;
    const several = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\ndata: {}\n---\n${bad}`;

    const runs = await Promise.all([json, list, escaped, bare, several].map((text) => check(text, "--json")));

    const codes = runs.map((run) => JSON.parse(run.stdout).problems[0].code);
    expect(codes).toEqual(Array(5).fill("arn-path"));
    expect(JSON.parse(runs[3]?.stdout ?? "").problems[0]).toMatchObject({ line: 2, column: 14 });
    expect(JSON.parse(runs[4]?.stdout ?? "").problems[0]).toMatchObject({ line: 14, column: 16 });
  });

  it("reports a section that is a list and not text", async () => {
    const run = await check(good.replace("mapRoles: |", "mapRoles:"), "--json");

    const [problem] = JSON.parse(run.stdout).problems;
    expect(run.code).toBe(1);
    expect(problem).toMatchObject({ code: "section-not-text", section: "mapRoles", line: 7, column: 3 });
  });

  it("points into a quoted section as well as it can", async () => {
    const run = await check('mapRoles: "- rolearn: x\\n  username: y\\n"\n', "--json");

    expect(JSON.parse(run.stdout).problems[0]).toMatchObject({ code: "not-an-arn", line: 1, column: 11 });
  });

  it("finds a misspelt section by its key", async () => {
    const run = await check(good.replace("mapAccounts", "mapaccounts"), "--json");

    expect(JSON.parse(run.stdout).problems).toContainEqual(
      expect.objectContaining({ code: "section-misspelt", line: 16 }),
    );
  });

  it("takes a ConfigMap without data for an empty one", async () => {
    const run = await check("kind: ConfigMap\nmetadata: {name: aws-auth}\n", "--json");

    expect(JSON.parse(run.stdout)).toEqual({ ok: true, problems: [], entries: [], resolved: {} });
  });

  it.each([
    ["text that is no ConfigMap", "hello\n", "It contains no ConfigMap"],
    ["a list", "- a\n", "It contains no ConfigMap"],
    ["an empty file", "", "It contains no ConfigMap"],
    ["YAML that is broken", "data: [\n", "kubectl can't read it"],
    ["another kind", "kind: Secret\ndata: {}\n", "It contains no ConfigMap"],
  ])("answers 2 for %s", async (_what, stdin, message) => {
    const run = await check(stdin);

    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toContain(message);
  });

  it.each([
    ["no file", []],
    ["two files", ["a", "b"]],
    ["an unknown option", ["-", "--fix"]],
    ["two formats", ["-", "--json", "--sarif"]],
    ["an option without its value", ["-", "--arn"]],
    ["an --arn that is none", ["-", "--arn", "dev"]],
  ])("answers 2 and the usage for %s", async (_what, argv) => {
    const run = await runCommand(runCheck, argv);

    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toContain("Usage: eks-access check");
  });
});

describe("eks-access check with a file", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "eks-access-check-"));
    await Promise.all([symlink("loop", join(folder, "loop")), writeFile(join(folder, "file"), "")]);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("names the file as it was given", async () => {
    const path = join(folder, "aws-auth.yaml");
    await writeFile(path, bad);

    const run = await runCommand(runCheck, [path]);

    expect(run.stdout).toContain(`${path}:8:16: error: `);
  });

  it.each([
    ["is absent", "absent.yaml", "no such file"],
    ["is a folder", ".", "it is a directory"],
    ["is a link to itself", "loop", "too many symbolic links encountered"],
    ["is below a file", "file/below", "a part of its path is no directory"],
  ])("answers 2 where the file %s", async (_what, name, reason) => {
    const path = join(folder, name);

    const run = await runCommand(runCheck, [path]);

    expect(run).toEqual({ code: 2, stdout: "", stderr: `eks-access check: Can't read ${path}: ${reason}.\n` });
  });
});
