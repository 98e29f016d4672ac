import { describe, expect, it } from "vitest";
import { checkFile, toSarif } from "../../src/aws-auth/check-file.ts";
import { read } from "./config-map-files.ts";

const arn = "arn:aws:iam::111122223333:role";
const head = "kind: ConfigMap\nmetadata: {name: aws-auth}\ndata:\n";

describe("checkFile", () => {
  it("lists problems in the order of the file, from left to right", () => {
    const file = read(
      `${head}  notes: 12\n  mapusers: ""\n  mapRoles: |\n    - {rolearn: "${arn}/x/a", username: "", groups: [" b"]}\n  mapUsers: [x]\n`,
    );

    const { problems } = checkFile(file, []);

    expect(problems.map(({ code, line, column }) => [line, column, code])).toEqual([
      [4, 3, "section-not-text"],
      [5, 13, "section-misspelt"],
      [7, 17, "arn-path"],
      [7, 65, "username-empty"],
      [7, 78, "group-characters"],
      [8, 3, "section-not-text"],
    ]);
  });

  it("sorts the problems of one line by column, whatever they are about", () => {
    const { problems } = checkFile(read('kind: ConfigMap\ndata: {mapRoles: "- x", notes: 12}\n'), []);

    expect(problems.map(({ code, line, column }) => [line, column, code])).toEqual([
      [2, 18, "item-not-an-entry"],
      [2, 25, "section-not-text"],
    ]);
  });

  it("says of a value that is no text which key it is and how to write it", () => {
    const { problems } = checkFile(read(`${head}  mapRoles:\n    - a\n  notes: 12\n`), []);

    const common = { code: "section-not-text", severity: "error", column: 3 };
    expect(problems).toEqual([
      {
        ...common,
        section: "mapRoles",
        line: 4,
        message: "The value of mapRoles is not text.",
        remedy: "Write mapRoles: | above its lines.",
      },
      {
        ...common,
        section: null,
        line: 6,
        message: "The value of notes is not text.",
        remedy: "Write notes: | above its lines.",
      },
    ]);
  });

  it("says of a section outside of data, and of a line that lost its indentation, that no one reads them", () => {
    const { ok, problems } = checkFile(
      read(`${head}  mapRoles: |\n    - rolearn: ${arn}/a\n      username: a\n+     groups: []\nmapUsers: "[]"\n`),
      [],
    );

    expect(ok).toBe(false);
    const common = { code: "field-misplaced", severity: "error", section: null, column: 1 };
    expect(problems).toEqual([
      {
        ...common,
        line: 7,
        message: '"+     groups" is no field of a ConfigMap.',
        remedy: "Indent it, or remove it.",
      },
      {
        ...common,
        line: 8,
        message: '"mapUsers" is no field of a ConfigMap.',
        remedy: "Indent it under data.",
      },
    ]);
    const beside = checkFile(read(`${head}  mapUsers: "[]"\nmapUsers: "[]"\nMetadata: {}\n`), []).problems;
    expect(beside.map(({ remedy }) => remedy)).toEqual(["Move its entries to mapUsers under data.", "Write metadata."]);
    const json = read(JSON.stringify({ kind: "ConfigMap", mapUsers: "[]" }, null, 1));
    expect(checkFile(json, []).problems).toMatchObject([{ ...common, line: 3, column: 3 }]);
  });

  it("says of a section in binaryData that no one reads it", () => {
    const yaml = read(`${head}  mapRoles: ""\nbinaryData:\n  logo: eA==\n  mapRoles: eA==\n  mapUsers: eA==\n`);
    const json = read(JSON.stringify({ kind: "ConfigMap", binaryData: { mapUsers: "eA==" } }, null, 1));

    const common = { code: "field-misplaced", severity: "error", section: null };
    expect(checkFile(yaml, []).problems).toEqual([
      {
        ...common,
        ...{ line: 7, column: 3, message: 'The authenticator does not read "binaryData.mapRoles".' },
        remedy: "Move its entries to mapRoles under data.",
      },
      {
        ...common,
        ...{ line: 8, column: 3, message: 'The authenticator does not read "binaryData.mapUsers".' },
        remedy: "Move its entries to mapUsers under data.",
      },
    ]);
    expect(checkFile(json, []).problems).toMatchObject([{ ...common, line: 3, column: 3 }]);
    expect(checkFile(read(`${head}  mapRoles: ""\nbinaryData: [mapUsers]\n`), []).problems).toEqual([]);
  });

  it("says of a key that is there twice that kubectl takes the last one", () => {
    const yaml = read(
      `${head}  mapRoles: |\n    - {rolearn: "${arn}/a", username: a}\n  mapRoles: ""\nkind: ConfigMap\n`,
    );
    const json = read('{"kind": "ConfigMap", "data": {"mapRoles": "[]"},\n"data": {"mapUsers": "[]"}}');

    const common = { code: "field-repeated", severity: "error", section: null, remedy: "Keep one." };
    expect(checkFile(yaml, []).problems).toEqual([
      { ...common, line: 1, column: 1, message: "The ConfigMap has kind twice, and kubectl ignores this one." },
      { ...common, line: 4, column: 3, message: "The ConfigMap has mapRoles twice, and kubectl ignores this one." },
    ]);
    expect(checkFile(json, []).problems).toEqual([
      { ...common, line: 1, column: 23, message: "The ConfigMap has data twice, and kubectl ignores this one." },
    ]);
  });

  it("says of a ConfigMap of another name or in another namespace that the authenticator does not read it", () => {
    const named = (metadata: string) => checkFile(read(`kind: ConfigMap\nmetadata: {${metadata}}\ndata: {}\n`), []);

    const common = { code: "config-map-misnamed", severity: "error", section: null, line: 2, column: 12 };
    expect(named("name: aws-auht, namespace: kube-system").problems).toEqual([
      { ...common, message: 'The authenticator does not read "aws-auht".', remedy: "Rename it to aws-auth." },
    ]);
    expect(named('namespace: "de\\nfault", name: aws-auth').problems).toEqual([
      { ...common, message: 'The authenticator does not read "de\\nfault".', remedy: "Rename it to kube-system." },
    ]);
    expect(named("name: aws-auth, namespace: kube-system").problems).toEqual([]);
    expect(named("labels: {}").problems).toEqual([]);
  });

  it("warns of an immutable one, as no lease begins in it", () => {
    const files = ["true", "false", "null"].map((text) => read(`kind: ConfigMap\ndata: {}\nimmutable: ${text}\n`));

    const [immutable, ...others] = files.map((file) => checkFile(file, []).problems);

    expect(immutable).toEqual([
      {
        ...{ code: "document-immutable", severity: "warning", section: null, line: 3, column: 1 },
        message: "It is immutable.",
        remedy: "Save it without immutable: true, then run kubectl replace --force.",
      },
    ]);
    expect(others).toEqual([[], []]);
  });

  it("warns of annotations that leave no room for a lease, and names the largest", () => {
    const withNote = (bytes: number) =>
      read(`kind: ConfigMap\nmetadata:\n  name: aws-auth\n  annotations: {a: b, notes: ${"x".repeat(bytes)}}\n`);

    const [full, room] = [withNote(250_000), withNote(200_000)].map((file) => checkFile(file, []));

    expect(full).toMatchObject({
      ok: false,
      problems: [
        {
          ...{ code: "annotation-full", severity: "warning", section: null, line: 4, column: 3 },
          message:
            "The annotation of aws-auth has no room for more leases: others' annotations take 250007 of 262144 bytes, notes alone 250005.",
          remedy: "Remove it.",
        },
      ],
    });
    expect(room?.problems).toEqual([]);
  });

  it("quotes a key that would write a line of its own", () => {
    const { problems } = checkFile(read(`${head}  "a\\n0 errors": 12\n`), []);

    expect(problems).toMatchObject([
      { message: 'The value of "a\\n0 errors" is not text.', remedy: 'Write "a\\n0 errors": | above its lines.' },
    ]);
  });

  it.each([
    ["username: {{SessionName}}", "section-unreadable", "Quote the text with {{."],
    ["username: “dev”", "username-characters", "Remove them."],
    [
      "username: dev:{SessionName}",
      "template-unknown",
      "Use one of {{EC2PrivateDNSName}}, {{AccountID}}, {{SessionName}}, {{SessionNameRaw}}, {{AccessKeyID}}.",
    ],
    ["username: $" + "{USER}", "template-unknown", expect.stringContaining("Use one of ")],
    ["username: dev# the team", "text-continues", "Write a space before #."],
    ["groups: ['dev;']", "text-continues", "Remove it."],
    ["groups: [system:master]", "group-misspelt", "Write system:masters."],
    ["groups: [System:Masters]", "group-misspelt", "Write system:masters."],
    ["groups: ['$" + "{team}']", "template-in-group", "Write its full name."],
    ["groups: [system: masters]", "group-not-a-string", "Remove the space after the colon."],
    ["groups: ['system': masters]", "group-not-a-string", "Write one text."],
    ["groups: [{system: masters}]", "group-not-a-string", "Write one text."],
    ["groups: [{userArn: x}]", "group-not-a-string", "Indent it like the others."],
    ["username: !!binary ZGV2", "readers-differ", 'Write "dev" without its tag.'],
    ["username:\u00a0dev", "section-unreadable", "Replace the no-break spaces here and above."],
  ])("finds the mistake in %s", (field, code, remedy) => {
    const { problems } = checkFile(read(`${head}  mapRoles: |\n    - rolearn: ${arn}/a\n      ${field}\n`), []);

    expect(problems.filter(({ line }) => line !== 5)).toMatchObject([{ code, line: 6, remedy }]);
  });

  it("says of an entry in another partition than nodes, or than most entries, that it never matches", () => {
    const entry = (partition: string, username: string) =>
      `    - {rolearn: "arn:${partition}:iam::111122223333:role/${username.slice(0, 1)}", username: "${username}"}\n`;
    const found = (entries: string) =>
      checkFile(read(`${head}  mapRoles: |\n${entries}`), []).problems.filter(({ code }) => code === "arn-partition");

    const byNodes = found(entry("aws", "a") + entry("aws", "b") + entry("aws-cn", "system:node:{{EC2PrivateDNSName}}"));
    const byMost = found(entry("aws-cn", "a") + entry("aws", "b") + entry("aws", "c"));

    expect(byNodes.map(({ line }) => line)).toEqual([5, 6]);
    const message = "This ARN is in aws-cn, others in aws. It can't sign in there.";
    expect(byMost).toMatchObject([{ line: 5, severity: "error", message }]);
  });

  it("finds the section whose entries are below another key, and takes a copy for none", () => {
    const lost = `  roles: |\n    - rolearn: ${arn}/a\n      username: a\n`;

    const { problems } = checkFile(read(head + lost), []);
    const beside = checkFile(read(`${head}${lost}  mapRoles: |\n    - rolearn: ${arn}/a\n      username: a\n`), []);

    expect(problems).toMatchObject([{ code: "section-misspelt", line: 4, remedy: "Rename it to mapRoles." }]);
    expect(beside.problems).toEqual([]);
    const two = checkFile(read(`${head}  maproles: "[]"\n  map-roles: "[]"\n`), []);
    expect(two.problems[1]).toMatchObject({ code: "section-misspelt", remedy: "Move its entries to mapRoles." });
  });

  it("puts what concerns the whole document at the top of the file", () => {
    const { ok, problems } = checkFile(read(`${head}  notes: "${"x".repeat(1024 * 1024 + 1)}"\n`), []);

    expect(ok).toBe(false);
    expect(problems).toMatchObject([{ code: "document-too-large", section: null, line: 1, column: 1 }]);
  });

  it("is in order with notices alone, and not with a warning", () => {
    const entry = (group: string) =>
      `${head}  mapRoles: |\n    - {rolearn: "${arn}/a", username: a, groups: [${group}]}\n`;

    expect(checkFile(read(entry("system:masters")), [])).toMatchObject({ ok: true, problems: [{ code: "masters" }] });
    expect(checkFile(read(entry('" a"')), [])).toMatchObject({ ok: false, problems: [{ severity: "warning" }] });
  });

  it("names the other entry by its line of the file, where that is exact", () => {
    const twice = `- {rolearn: "${arn}/a", username: a}\n`.repeat(2);

    const block = checkFile(read(`${head}  mapRoles: |\n${twice.replace(/^/gm, "    ")}`), []);
    const quoted = checkFile(read(`${head}  mapRoles: ${JSON.stringify(twice)}\n`), []);

    expect(block.problems[0]?.message).toContain("no effect: line 6 of the file replaces it.");
    expect(quoted.problems[0]?.message).toContain("no effect: line 2 of mapRoles replaces it.");
  });

  it("says where entries are in the file, and who callers would be", () => {
    const file = read(
      `${head}  mapRoles: |\n    - {rolearn: "${arn}/a", username: a}\n  mapAccounts: '["444455556666"]'\n`,
    );
    const callers = ["arn:aws:sts::111122223333:assumed-role/a/s", "arn:aws:iam::111122223333:user/x"];

    const { entries, resolved } = checkFile(file, callers);

    expect(entries).toEqual([
      { section: "mapRoles", arn: `${arn}/a`, username: "a", groups: [], line: 5, reachable: true },
      { section: "mapAccounts", arn: "444455556666", username: "", groups: [], line: 6, reachable: true },
    ]);
    expect(resolved).toEqual({ [callers[0] ?? ""]: { username: "a", groups: [] }, [callers[1] ?? ""]: null });
  });
});

describe("toSarif", () => {
  const problem = { section: null, key: "k", message: "It is so.", remedy: "Do this.", line: 3, column: 9 };
  const problems = [
    { ...problem, code: "b", severity: "warning" as const },
    { ...problem, code: "a", severity: "error" as const },
    { ...problem, code: "b", severity: "notice" as const },
  ];

  it("says what code scanning asks for, and nothing else", () => {
    const sarif = toSarif(problems, "kube/aws auth.yaml");

    const result = (ruleId: string, ruleIndex: number, level: string) => ({
      ruleId,
      ruleIndex,
      level,
      message: { text: "It is so. Do this." },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: "kube/aws%20auth.yaml" },
            region: { startLine: 3, startColumn: 9 },
          },
        },
      ],
    });
    expect(sarif).toEqual({
      $schema: "https://json.schemastore.org/sarif-2.1.0.json",
      version: "2.1.0",
      runs: [
        {
          tool: { driver: { name: "eks-access", rules: [{ id: "a" }, { id: "b" }] } },
          columnKind: "utf16CodeUnits",
          results: [result("b", 1, "warning"), result("a", 0, "error"), result("b", 1, "note")],
        },
      ],
    });
  });

  it.each([
    ["-", "stdin"],
    ["a/b c.yaml", "a/b%20c.yaml"],
    ["a\\b.yaml", "a/b.yaml"],
  ])("names %s as %s", (path, uri) => {
    const [run] = toSarif(problems, path).runs;

    expect(run?.results[0]?.locations[0]?.physicalLocation.artifactLocation).toEqual({ uri });
  });
});
