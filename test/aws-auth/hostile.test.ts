import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";
import { compiledModule } from "../product.ts";
import { costly, excessive } from "./hostile-documents.ts";

interface Outcome {
  name: string;
  /** Seconds of the processor. */
  longest: number;
  listed: number;
  refusal?: string;
}

/** Less than a container of 512 MiB gives Node, which is 256 MB; young objects get what they get there. */
const heap = ["--max-old-space-size=200", "--max-semi-space-size=16"];

/** In a process of its own. */
async function readAll(): Promise<readonly Outcome[]> {
  const { script } = await compiledModule("test/aws-auth/read-hostile.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [...heap, "--single-threaded-gc", script]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Outcome);
}

it("no document of 1 MiB exhausts a small process, or takes two seconds of it", {
  timeout: 600_000,
}, async () => {
  const [honest, ...outcomes] = await readAll();

  // Where even an honest document takes long, the machine is slow: the bound grows with it.
  const maxSeconds = Math.max(2, 2.5 * (honest?.longest ?? 0));
  const slow = outcomes.filter(({ longest }) => longest > maxSeconds);
  const long = outcomes.filter(({ listed }) => listed > 5000);
  const refused = outcomes.flatMap(({ name, refusal }) => (refusal === "section-too-large" ? [name] : []));
  expect(honest).toMatchObject({ name: "honest", listed: 0 });
  expect(outcomes.map(({ name }) => name)).toEqual([...Object.keys(excessive), ...Object.keys(costly)]);
  expect([slow, long]).toEqual([[], []]);
  expect(refused).toEqual(Object.keys(excessive));
});

describe("a section that holds more than is read", () => {
  const dev = { type: "map", arn: "arn:aws:iam::111122223333:role/dev", username: "dev", groups: [] } as const;
  const values = (count: number) => `[${"a,".repeat(count - 1)}]`;

  it("is reported with its place and reason", () => {
    const { problems, sections } = parseDocument({ mapRoles: values(100_001) });

    expect(sections.mapRoles.state).toBe("unreadable");
    expect(problems).toMatchObject([
      {
        code: "section-too-large",
        severity: "error",
        section: "mapRoles",
        line: 1,
        column: 200_000,
        message: "mapRoles holds more than 100,000 values here, so eks-access stops reading.",
      },
    ]);
  });

  it("is read up to the bound", () => {
    expect(parseDocument({ mapRoles: values(100_000) }).sections.mapRoles.state).toBe("list");
  });

  it("is one with more values in an item than any entry has", () => {
    const entry = (groups: number) => parseDocument({ mapRoles: `- groups: ${values(groups)}` }).problems;

    expect(entry(19_997).map(({ code }) => code)).not.toContain("section-too-large");
    expect(entry(19_998)).toMatchObject([
      { code: "section-too-large", message: expect.stringContaining("has more than 20,000 values in one item here") },
    ]);
  });

  it("counts with the other sections of its document", () => {
    const { sections } = parseDocument({ mapRoles: values(60_000), mapUsers: values(60_000) });

    expect([sections.mapRoles.state, sections.mapUsers.state]).toEqual(["list", "unreadable"]);
  });

  it("counts the text that aliases repeat", () => {
    const { problems } = parseDocument({ mapRoles: `- &a ${"b".repeat(100_000)}\n${"- *a\n".repeat(50)}` });

    expect(problems).toMatchObject([{ code: "section-too-large", section: "mapRoles", line: 42 }]);
    expect(problems[0]?.message).toContain("comes to more than 4 MiB");
  });

  it("refuses a lease, also of an entry in another section, and not the end of one there", () => {
    const mapUsers = "- userarn: arn:aws:iam::111122223333:user/eve\n  username: eve\n";
    const document = parseDocument({ mapRoles: values(100_001), mapUsers });

    const lease = planChanges(document, [dev]);
    const extended = planChanges(document, [
      { type: "map", arn: "arn:aws:iam::111122223333:user/eve", username: "eve", groups: ["eks-access:viewers"] },
    ]);
    const end = planChanges(document, [{ type: "unmap", arn: "arn:aws:iam::111122223333:user/eve" }]);

    expect(lease).toMatchObject({ type: "refused", refusal: { code: "section-too-large" } });
    expect(extended).toMatchObject({ type: "refused", refusal: { code: "section-too-large" } });
    expect(end).toMatchObject({ type: "planned", refused: [], after: { mapRoles: values(100_001) } });
  });
});

describe("problems of one kind", () => {
  it("are listed up to a thousand, and then counted", () => {
    const { problems } = parseDocument({ mapAccounts: "- a\n".repeat(1500) });

    expect(problems).toHaveLength(1001);
    expect(problems.at(-1)).toMatchObject({
      code: "account-invalid",
      severity: "error",
      line: 1001,
      message: '"a" is not an AWS account. 499 more of these follow.',
    });
  });

  it("are all listed where there are a thousand and one", () => {
    const { problems } = parseDocument({ mapAccounts: "- a\n".repeat(1001) });

    expect(problems.at(-1)?.message).toBe('"a" is not an AWS account.');
  });

  it("keep the worst of what is not listed", () => {
    const arn = "arn:aws:iam::111122223333:role/a";
    const same = `- {rolearn: "${arn}", username: a}\n`.repeat(1005);

    const { problems } = parseDocument({
      mapRoles: `${same}- {rolearn: "${arn}", username: b}\n- {rolearn: "${arn}", username: a}\n`,
    });

    expect(problems.filter(({ code }) => code === "entry-shadowed").at(-1)).toMatchObject({
      severity: "error",
      line: 1001,
    });
  });
});
