import { describe, expect, test } from "vitest";
import { notOfPrincipal } from "../../../src/access/arn.ts";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { aCluster, aLevel, clustersOf } from "../../builders/a-cluster.ts";

const clusters = clustersOf(
  aCluster(),
  aCluster({ name: "production", levels: [aLevel({ name: "viewer", maxDurationSeconds: 1800 })] }),
);
const arn = "arn:aws:iam::111122223333:role/developers";

function read(line: string) {
  return readRequest(splitRequestLine(line, clusters), clusters);
}

/** The named mistakes, and the line to copy. */
function told(line: string): { mistakes: string[]; corrected: string; understood: readonly string[] } {
  const reading = read(line);
  if (reading.type === "requested") return { mistakes: [], corrected: "", understood: [] };
  const { mistakes, corrected, understood } = reading;
  return { mistakes: mistakes.map(({ part, message }) => `${part}: ${message}`), corrected, understood };
}

describe("a line without mistakes", () => {
  test("says everything", () => {
    const reading = read(`staging ${arn} viewer for 4h the deployment hangs`);

    expect(reading).toMatchObject({
      type: "requested",
      requested: {
        cluster: { name: "staging" },
        level: { name: "viewer" },
        principal: { arn },
        durationSeconds: 14_400,
        reason: "the deployment hangs",
      },
    });
  });

  test("may be written with white space and capitals as people write it", () => {
    const reading = read(`  Staging   ${arn}  VIEWER  FOR 90M   why   not `);

    expect(reading).toMatchObject({ type: "requested", requested: { durationSeconds: 5400, reason: "why not" } });
  });

  test("may leave out the duration: an hour, or as long as the level allows", () => {
    expect(read(`staging ${arn} viewer why`)).toMatchObject({ requested: { durationSeconds: 3600 } });
    expect(read(`production ${arn} viewer why`)).toMatchObject({ requested: { durationSeconds: 1800 } });
  });
});

describe("a time that ends the line without `for`", () => {
  test.each([
    ["look 2h", "2h", "for 2h look"],
    ["look at it 90 min", "90 min", "for 90 min look at it"],
    ["pods older than 1d", "1d", "for 8h pods older than"],
  ])("may be part of the reason, so it is asked about: %s", (rest, time, corrected) => {
    expect(told(`staging ${arn} viewer ${rest}`)).toMatchObject({
      mistakes: [`duration: Is ${time} the duration? If so, write it before the reason.`],
      corrected: `/eks-access request staging ${arn} viewer ${corrected}`,
    });
  });

  test.each(["until 3am", "until 25:00", "-2h", "2"])(
    "%s is no duration anywhere, so nothing asks to move it",
    (time) => {
      expect(told(`staging ${arn} viewer ${time} look`).mistakes).toEqual([
        `duration: "${time}" is not a duration. Write for example 30m, 4h or 1h30m.`,
      ]);
    },
  );

  test("is part of the reason where the line says for how long", () => {
    expect(read(`staging ${arn} viewer 30m pods older than 1d`)).toMatchObject({
      requested: { durationSeconds: 1800, reason: "pods older than 1d" },
    });
  });
});

describe("a line as tired people type it", () => {
  test.each([
    [`staging ${arn} viewer 2h: look`, 7_200],
    [`staging ${arn} viewer for 1 hour, look`, 3_600],
    [`staging, ${arn}, viewer, 30m, look`, 1_800],
    [`viewer on staging ${arn} 2h look`, 7_200],
    [`viewer @ staging ${arn} for 2h. look`, 7_200],
    [`for viewer to staging ${arn} 2h look`, 7_200],
    [`\`staging\` “viewer” "${arn}", 2h look`, 7_200],
    [`staging <${arn}> 'viewer' 2h look`, 7_200],
  ])("is understood: %s", (line, durationSeconds) => {
    expect(read(line)).toMatchObject({
      requested: { cluster: { name: "staging" }, level: { name: "viewer" }, durationSeconds, reason: "look" },
    });
  });

  test("and what is left of it is the reason of the line to copy", () => {
    expect(told(`staging ${arn} viewer look for 2 hours, please`).corrected).toBe(
      `/eks-access request staging ${arn} viewer for 2 hours look please`,
    );
  });
});

describe("the answer names each mistake, with what was understood and a line to copy", () => {
  test.each([
    [
      "an unknown cluster, with the nearest one",
      `stagin ${arn} viewer for 4h why`,
      ["cluster: There is no cluster stagin. Clusters: staging, production."],
      `/eks-access request staging ${arn} viewer for 4h why`,
    ],
    [
      "an unknown cluster that is near to none",
      `moon ${arn} viewer for 4h why`,
      ["cluster: There is no cluster moon. Clusters: staging, production."],
      `/eks-access request <cluster> ${arn} viewer for 4h why`,
    ],
    [
      "an unknown level, with the nearest one",
      `staging ${arn} viewr why`,
      ["level: staging does not offer viewr. Levels: viewer, admin."],
      `/eks-access request staging ${arn} viewer why`,
    ],
    [
      "a level that another cluster offers",
      `production ${arn} admin why`,
      ["level: production does not offer admin. Levels: viewer."],
      `/eks-access request production ${arn} <level> why`,
    ],
    [
      "a role with its path, with the ARN that aws-auth needs",
      "staging arn:aws:iam::111122223333:role/team/developers viewer why",
      ["principal: Write the role without its path. (arn:aws:iam::111122223333:role/developers)"],
      `/eks-access request staging ${arn} viewer why`,
    ],
    [
      "a session of a role, with the role's ARN",
      "staging arn:aws:sts::111122223333:assumed-role/developers/engineer viewer why",
      ["principal: This is a session. Use its role's ARN. (arn:aws:iam::111122223333:role/developers)"],
      `/eks-access request staging ${arn} viewer why`,
    ],
    [
      "what is no duration, and can begin the reason",
      `staging ${arn} viewer for debugging x`,
      ['duration: "debugging" is not a duration. Write for example 30m, 4h or 1h30m.'],
      `/eks-access request staging ${arn} viewer for <duration> for debugging x`,
    ],
    [
      "a duration without a number behind it",
      `staging ${arn} viewer for`,
      ["duration: Write for example 30m, 4h or 1h30m.", "reason: Say why you need it."],
      `/eks-access request staging ${arn} viewer for <duration> <reason>`,
    ],
    [
      "a duration that is too long, with the longest",
      `staging ${arn} admin for 9h why`,
      ["duration: admin lasts at most 1h."],
      `/eks-access request staging ${arn} admin for 1h why`,
    ],
    [
      "no reason",
      `staging ${arn} viewer`,
      ["reason: Say why you need it."],
      `/eks-access request staging ${arn} viewer <reason>`,
    ],
    [
      "a reason that was copied with its placeholder",
      `staging ${arn} viewer <reason>`,
      ["reason: Say why you need it."],
      `/eks-access request staging ${arn} viewer <reason>`,
    ],
    [
      "the creator, who must never be in aws-auth",
      "staging arn:aws:iam::111122223333:role/cluster-creator viewer why",
      ["principal: arn:aws:iam::111122223333:role/cluster-creator created staging, so it has full access."],
      "/eks-access request staging <arn> viewer why",
    ],
    [
      "the right form of a principal that the policy refuses, with both reasons",
      "staging arn:aws:sts::999988887777:assumed-role/developers/engineer viewer why",
      [
        "principal: This is a session. Use its role's ARN. (arn:aws:iam::999988887777:role/developers) arn:aws:iam::999988887777:role/developers is in 999988887777, staging in 111122223333. An operator can add it to foreignAccounts.",
      ],
      "/eks-access request staging <arn> viewer why",
    ],
    [
      "everything that is missing",
      "",
      [
        "cluster: Say which cluster. Clusters: staging, production.",
        "principal: Say which role or user. `aws sts get-caller-identity` prints yours; `/eks-access link <arn>` saves it.",
        "level: Say which level.",
        "reason: Say why you need it.",
      ],
      "/eks-access request <cluster> <arn> <level> <reason>",
    ],
    [
      "all at once",
      "stagin arn:aws:iam::111122223333:role/team/developers admn for 9h why",
      [
        "cluster: There is no cluster stagin. Clusters: staging, production.",
        "principal: Write the role without its path. (arn:aws:iam::111122223333:role/developers)",
        "level: staging does not offer admn. Levels: viewer, admin.",
        "duration: admin lasts at most 1h.",
      ],
      `/eks-access request staging ${arn} admin for 1h why`,
    ],
  ])("%s", (_, line, mistakes, corrected) => {
    expect(told(line)).toMatchObject({ mistakes, corrected });
  });

  test("and what was understood never names a part with a mistake", () => {
    const { understood } = told(`staging ${arn} viewer for 9h why`);

    expect(understood).toEqual(["cluster staging", `principal ${arn}`, "level viewer", 'reason "why"']);
  });

  test("a reason of more than 500 characters is cut in the line to copy, never inside a character", () => {
    const { mistakes, corrected } = told(`staging ${arn} viewer ${"🚀".repeat(251)} x`);

    expect(mistakes).toEqual(["reason: The reason has 504 characters; the limit is 500."]);
    expect(corrected.endsWith(` ${"🚀".repeat(250)}`)).toBe(true);
  });

  test("an ARN that no message could show whole is refused", () => {
    const { mistakes } = told(`staging arn:aws:iam::111122223333:user/${"a/".repeat(400)}engineer viewer why`);

    expect(mistakes).toEqual([`principal: ${notOfPrincipal}`]);
  });
});

test.each([..."\u3164\uffa0\u2800\u200d\u034f\ufe0f"])("a reason that no one can see is none: %j", (blank) => {
  expect(told(`staging ${arn} viewer ${blank} ${blank}`).mistakes).toEqual(["reason: Say why you need it."]);
});

test("who can see no cluster reads no name", () => {
  const reading = readRequest(
    splitRequestLine(`stagin ${arn} viewer why`, clusters),
    clusters,
    { arns: [], why: null },
    [],
  );

  expect(reading).toMatchObject({
    mistakes: [{ part: "cluster", message: "There is no cluster stagin." }],
    corrected: `/eks-access request <cluster> ${arn} viewer why`,
  });
});
