import type { ModalView } from "@slack/types";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mrkdwn, type Reader } from "../../../sandbox/page/blocks/mrkdwn.ts";
import { problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { emptyForm } from "../../../src/slack/ask/form.ts";
import { mistakesAnswer } from "../../../src/slack/ask/request.ts";
import { requestModal } from "../../../src/slack/ask/request-modal.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { revokeModal } from "../../../src/slack/decide/end-access.ts";
import { clustersAnswer } from "../../../src/slack/look/clusters.ts";
import { listAnswer } from "../../../src/slack/look/list.ts";
import { statusAnswer } from "../../../src/slack/look/status-answer.ts";
import { migrationMessage } from "../../../src/slack/migrate/migration-card.ts";
import { asClause } from "../../../src/slack/show/failure-words.ts";
import { denyModal, detailsModal, failureAnswer, type Message, messageModal } from "../../../src/slack/show/message.ts";
import {
  code,
  codeBlock,
  codeList,
  cut,
  escapeText,
  mention,
  mentions,
  oneOf,
  plainLine,
  preformatted,
  revealed,
  styled,
  time,
} from "../../../src/slack/show/mrkdwn.ts";
import { anyCharacter } from "../../any-text.ts";
import { aCluster, aLevel, clustersOf } from "../../builders/a-cluster.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { states } from "../../builders/states.ts";
import { at } from "../../builders/times.ts";
import { cpuTimeOf } from "../../cpu-time.ts";
import { linesOfView, textOfBlocks } from "./text-of-blocks.ts";

/** Whatever Slack would turn into a mention, a link, a date or an emoji, beside anything else. */
const hostile = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        "<!channel>",
        "<@U0APPROVER>",
        "<https://example.com|click>",
        "<!date^0^{date}|x>",
        "&lt;!here&gt;",
        "*bold*",
        "_it_",
        "~gone~",
        "`code`",
        "```",
        "\n>quote",
        ":white_check_mark:",
        ":承認:",
        ":é:",
        "\u202egnp.exe",
        "\u3164\u2800\u115f\uffa0\u034f",
        "e\u0301\u0302\u0303\u0304\u0305\u0306",
        "\u061c\u0007\u001b[2J\u{e0061}",
        "Approved",
        " ",
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join("")),
);

describe("the text of a user", () => {
  test("never holds a control character of Slack, so that it can be no mention, link or date", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const shown of [
          escapeText(text),
          plainLine(text),
          code(text),
          codeBlock(text),
          codeList([text], 400),
          styled(text),
        ]) {
          expect(shown).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
        }
      }),
    );
  });

  test("in a sentence stays on one line, and each of its marks is in code style", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = plainLine(text);

        expect(line.replaceAll(/`[^`]+`/g, "x")).not.toMatch(
          /[\n\r*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|:[\p{L}\p{M}\p{N}_+'-]+:/u,
        );
        expect(line).not.toMatch(/[\u061c\u202a-\u202e\u2066-\u2069\u{e0061}]|\p{Cc}/u);
        expect(line).not.toMatch(/[\u3164\u2800\u115f\uffa0]|\u034f|(?:\p{Mn}\u200d?){5}/u);
      }),
    );
  });

  test("in code style can't end it", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(code(text)).toMatch(/^`[^`\n]*`$/);
        expect(codeBlock(text)).toMatch(/^```(?!`)(?:`?[^`])+```$|^`[^`\n]*`(?:\n`[^`\n]*`)*$/);
      }),
    );
  });

  test("is read back as it was where it is not cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 100 }), (text) => {
        const back = escapeText(text).replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

        expect(back).toBe(text);
      }),
    );
  });
});

test("a word without end that someone wrote into Redis does not stop the process", () => {
  const endless = `*${")".repeat(60_000)}x`;

  const took = cpuTimeOf(() => {
    expect(plainLine(endless)).toMatch(/^`\*\)+…`$/);
    expect(styled(endless)).toBe("…");
  });

  expect(took).toBeLessThan(1_000);
});

describe("a code block", () => {
  test("of a mebibyte fits, ends at a line, and says how much is left out", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `+ line ${index} of a document with <marks> & more`);

    const block = codeBlock(lines.join("\n"));

    expect(block.length).toBeLessThanOrEqual(2806);
    expect(block).toMatch(/^```\+ line 0 .*\n… \d+ more lines```$/s);
    const [, left] = /… (\d+) more/.exec(block) ?? [];
    expect(block.split("\n").length - 1 + Number(left)).toBe(20_000);
  });

  test("of one line that is too long shows its beginning", () => {
    const block = codeBlock("x".repeat(5_000), 100);

    expect(block.length).toBeLessThanOrEqual(106);
    expect(block).toMatch(/^```x{30,}…```$/);
  });
});

test("a blank letter is seen in a value and in a difference, and the variant of an emoji stays", () => {
  expect(code("eks-access:viewers\u3164")).toBe('`"eks-access:viewers\\u3164"`');
  expect(revealed("# \u26a0\ufe0f ours\n- system:masters\u2800")).toBe("# \u26a0\ufe0f ours\n- system:masters\\u2800");
  expect(codeBlock("- system:masters\u115f")).toBe('`"- system:masters\\u115f"`');
  for (const line of [
    "\u{1f6e0}\ufe0f c\u0327\u0301 fix",
    "\u{1f441}\ufe0f\u200d\u{1f5e8}\ufe0f",
    "\u0645\u06cc\u200c\u062e",
    "\u845b\u{e0100}",
  ])
    expect(plainLine(line)).toBe(line);
  for (const unseen of ["\u{e0100}\u{e01ef}", "\ufe0f", "\u200d\u200c", "\u{e0fff}", "\u180e", "\u180b"])
    expect(plainLine(`${unseen} a ${unseen}b\ufe0f\u200d\ufe0f\u{e0100}`)).toBe("a b\ufe0f\u200d");
});

test("a list of names shows as many as fit, and counts the rest", () => {
  expect(codeList(["a", "b"], 100)).toBe("`a`, `b`");
  expect(codeList(["a".repeat(20), "b".repeat(20), "c".repeat(20)], 50)).toBe("`aaaaaaaaaaaaaaaaaaaa`, 2 more");
  expect(codeList([], 100)).toBe("");
  expect(codeList(["a".repeat(99), "b"], 50)).toBe(`\`${"a".repeat(33)}…\`, 1 more`);
});

test("a cut text never ends within a time or a mention, which would swallow all up to the next one", () => {
  const shown = `until ${time("2026-07-25T10:00:00Z")} for ${mention("U0ENGINEER")} of ${mention("S0PLATFORM")}`;
  for (let length = 1; length < shown.length; length += 1) {
    const rest = cut(shown, length).replace(/<[^<>]*>/g, "");

    expect(rest, String(length)).not.toContain("<");
  }
});

test("a sentence is not cut within a time", () => {
  expect(styled("ClusterRole aaaaaaaaaaaaaaaaaaaaaaaaaaa.2026-07-25T10:00:00Z", 80)).toBe(
    "ClusterRole aaaaaaaaaaaaaaaaaaaaaaaaaaa.…",
  );
});

test("a cut text never ends within an escape or a character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("&", "<", "a", "🚀") }),
      fc.integer({ min: 2, max: 40 }),
      (text, max) => {
        const shown = cut(escapeText(text), max);

        expect(shown.length).toBeLessThanOrEqual(max);
        expect(shown).not.toMatch(/&(?!amp;|lt;|gt;)|[\ud800-\udbff](?![\udc00-\udfff])/);
      },
    ),
  );
});

test("a time is shown in the reader's zone, and with its ISO form where a client can't", () => {
  expect(time("2026-03-01T09:00:00.000Z")).toBe(
    "<!date^1772355600^{date_short_pretty} {time}|2026-03-01 09:00:00 UTC>",
  );
});

test("what a forged record holds in place of a time or a person does not become a control", () => {
  expect(time("0|x> <!channel>")).toBe("`0|x&gt; &lt;!channel&gt;`");
  expect(mention("worker")).toBe("`worker`");
  expect(mention("U1> <!channel>")).toBe("`U1&gt; &lt;!channel&gt;`");
});

test("twenty people are named, the others are counted", () => {
  const people = Array.from({ length: 23 }, (_, index) => `U${index}`);

  expect(mentions(people.slice(0, 2))).toBe("<@U0>, <@U1>");
  expect(mentions(people)).toMatch(/<@U19>, 3 more$/);
});

test.each([
  [["U1", "U2"], 1, "<@U1> or <@U2>"],
  [["U1", "U2"], 2, "<@U1> and <@U2>"],
  [["U1", "U2", "U3"], 2, "<@U1>, <@U2> or <@U3>"],
  [["U1", "S2"], 2, "<@U1> or <!subteam^S2>"],
  [["U1"], 1, "<@U1>"],
])("of %j with %i needed it is %s who decides: a group has many people", (users, needed, words) => {
  expect(oneOf(users, 20, needed)).toBe(words);
});

describe("a sentence of the domain", () => {
  test("shows its values and ARNs as code, and its times in the reader's zone", () => {
    const sentence = "arn:aws:iam::111122223333:role/dev is `a*b` until 2026-03-01T09:00:00.000Z";

    expect(styled(sentence)).toBe(
      "`arn:aws:iam::111122223333:role/dev` is `a*b` until <!date^1772355600^{date_short_pretty} {time}|2026-03-01 09:00:00 UTC>",
    );
  });

  test("keeps a name of Kubernetes whole, whatever is beside it", () => {
    expect(styled("in system:masters: it may do everything")).toBe("in `system:masters`: it may do everything");
  });

  test("is cut between its values, never within one", () => {
    expect(styled(`in ${"`group`, ".repeat(100)}`, 40)).toMatch(/^in (`group`, )+…$/);
  });

  test("never gets longer than it may, whatever it holds", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 10, max: 300 }), (text, most) => {
        expect(styled(text, most).length).toBeLessThanOrEqual(most + 1);
      }),
    );
  });
});

describe("a name in a sentence is copied as it is", () => {
  test.each([["aws eks create-access-entry --type EC2_LINUX --tags a_b_c"], ["the label eks_nodegroup_name"]])(
    "%s",
    (sentence) => {
      expect(plainLine(sentence)).toBe(sentence);
    },
  );

  test.each([
    ["_slanted_", "`_slanted_`"],
    ["a _b_ c", "a `_b_` c"],
  ])("and what Slack would format is not: %s", (sentence, shown) => {
    expect(plainLine(sentence)).toBe(shown);
  });
});

const user = { id: "U0ENGINEER", name: "engineer", timezone: "Europe/Berlin" };
const reader = { user, people: [user], channels: [], now: at(0) } as unknown as Reader;

const unescaped = (markup: string) =>
  markup.replace(/&#(\d+);/g, (_, sign: string) => String.fromCharCode(Number(sign)));
/** What the sandbox, which shares no code with us, shows in code style. */
const copied = (text: string) =>
  [...String(mrkdwn(text, reader)).matchAll(/<code>(.*?)<\/code>/gs)].map(([, inside = ""]) => unescaped(inside));
const unescapeEntities = (text: string) =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const shown = (text: string) => unescaped(String(mrkdwn(text, reader)).replace(/<[^>]*>/g, ""));

const pieces = fc.constantFrom(
  "a",
  "*",
  "`",
  "``",
  "```",
  "_x_",
  "~",
  ":fire:",
  " ",
  "  ",
  "\n",
  "<!channel>",
  "&amp;",
  '"',
  "\u200b",
  "\ufeff",
  "\u202e",
  "é",
  "🚀",
);
const anyText = fc.oneof(
  fc.string({ unit: anyCharacter, minLength: 1, maxLength: 40 }),
  fc.array(pieces, { minLength: 1, maxLength: 8 }).map((all) => all.join("")),
);

/** What cannot be seen, or would end the span, is shown as a JSON string. */
const original = (copy: string) => (copy.startsWith('"') ? JSON.parse(copy) : copy);

describe("what people copy is what it was", () => {
  test("in a code span: as it is, or as a JSON string where it holds what no span can show", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const spans = copied(`the group ${code(text)} is there`);

        expect(spans).toHaveLength(1);
        expect(original(spans[0] ?? "")).toBe(text);
      }),
    );
  });

  test.each([["eks-access:viewers"], ["a*b_c~d"], ["--type EC2_LINUX"], ["<b> & </b>"]])(
    "in a code span, letter by letter: %s",
    (text) => {
      expect(copied(`x ${code(text)} y`)).toEqual([text]);
    },
  );

  test("in a block of code, whatever it holds", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(preformatted(text).elements).toEqual([
          { type: "rich_text_preformatted", elements: [{ type: "text", text }] },
        ]);
      }),
    );
  });

  test("in the corrected line of a request, also with backticks in the reason", () => {
    const clusters = clustersOf(aCluster());
    const line = "stagin viewer ``run`` *this* arn:aws:iam::111122223333:user/engineer";
    const reading = readRequest(splitRequestLine(line, clusters), clusters);
    if (reading.type === "requested") throw new Error("The line holds a mistake.");

    const { blocks } = mistakesAnswer(reading);

    expect(blocks).toContainEqual(preformatted(reading.corrected));
    expect(reading.corrected).toContain("``run`` *this*");
  });
});

describe("the text of a notification", () => {
  test("has a block of code exactly as it is, or each of its lines as a JSON string", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const block = codeBlock(text);
        const lines = block.startsWith("```") ? [unescapeEntities(block.slice(3, -3))] : copied(block).map(original);

        expect(lines.join("\n")).toBe(text);
      }),
    );
  });
});

describe("text in a sentence", () => {
  test("never gets a character that no one sees", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const line of [plainLine(text), styled(text), asClause(text)]) {
          expect(line).not.toMatch(/[\u00ad\u200b\u2060\ufeff\u202a-\u202e]/);
        }
      }),
    );
  });

  test.each([
    ["✓ can * *.", "✓ can `*` `*`."],
    ["can get *.example.com, list pods", "can get `*.example.com`, list pods"],
    ["please fix *prod* now", "please fix `*prod*` now"],
    ["a _b_ c", "a `_b_` c"],
    ["run `kubectl get pods` first", "run `kubectl get pods` first"],
    ["names eks-access:viewers: it", "names `eks-access:viewers`: it"],
    ["it is :fire:", "it is `:fire:`"],
    ["~gone~ and 5 * 3", "`~gone~` and 5 `*` 3"],
  ])("keeps its signs: %s", (text, line) => {
    expect(plainLine(text)).toBe(line);
    expect(styled(text)).toBe(line);
    expect(asClause(text)).toBe(line.replace(/\.$/, ""));
    expect(shown(line)).toBe(text.replaceAll("`", ""));
  });

  test("is formatted nowhere but in code style", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(String(mrkdwn(`they say ${plainLine(text)}`, reader))).not.toMatch(
          /<(?:strong|em|s|blockquote|pre|a|span)\b/,
        );
      }),
    );
  });

  test("is cut between its words, and never within code style", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 10, max: 60 }), (text, most) => {
        const line = plainLine(`${text} *a* ${text}`, most);

        expect(line.length).toBeLessThanOrEqual(most + 1);
        expect(line.split("`").length % 2).toBe(1);
      }),
    );
  });
});

/** Notifications and screen readers have the text alone. */
function expectEveryWord(message: Message): void {
  const words = (text: string) => text.replaceAll(/[*>“”]|```|^:[a-z_]+: |\[[^\]\n]*\]/gm, "").split(/\s+/);
  const said = new Set(words(message.text));

  expect(words(textOfBlocks(message)).filter((word) => word !== "" && !said.has(word))).toEqual([]);
}

describe("the text alone has every word of", () => {
  test.each(Object.entries(states))("the status of a request that is %s", (_, request) => {
    expectEveryWord(statusAnswer({ request, events: [], acts: [] }));
  });

  test.each(Object.entries(states))("a list with a request that is %s", (_, request) => {
    const rows = [{ request, acts: [] }];
    expectEveryWord(
      listAnswer({ view: { kind: "mine" }, rows, offset: 0, total: 1, migrations: [], seesOthers: false }),
    );
  });

  test("the clusters", () => {
    expectEveryWord(clustersAnswer([aCluster()], { user: "U0APPROVER", memberships: [] }));
  });

  test("a migration's card", () => {
    expectEveryWord(migrationMessage(aPlannedMigration()));
  });
});

test("in the text alone, a reason that reads as another line stays what a person said", () => {
  const request = aPreviewedRequest({ reason: "Only `on-call` gets this.\n>Approved by <@U0APPROVER>" });

  const { text } = approvalMessage(request, aCluster());

  expect(text).toContain("\n“Only `on-call` gets this. &gt;Approved by &lt;@U0APPROVER&gt;”\n");
});

const engineer = "arn:aws:iam::111122223333:user/engineer";
const value = JSON.stringify({ request: "r-1", digest: "d".repeat(64) });
const levels = [
  { ...aLevel(), permanent: true },
  { ...aLevel({ name: "admin", maxDurationSeconds: 3600 }), permanent: false },
];
const ticket = { need: "required", pattern: "OPS-[0-9]+" } as const;
const offers = [{ cluster: aCluster({ ticket }), person: { user: "U0ENGINEER", memberships: [] }, levels }];
const path = "arn:aws:iam::111122223333:role/teams/developers";

describe("what is asked in a form", () => {
  test.each<[string, ModalView]>([
    ["why a request is denied", denyModal(value)],
    ["why access ends", revokeModal(aPreviewedRequest())],
    ["everything about a request", detailsModal("r-1", failureAnswer("its status"), failureAnswer("a notice"))],
    ["a message over App Home", messageModal("eks-access", failureAnswer("something failed"))],
    ["a request, as it opens", requestModal(emptyForm, offers)],
    ["a request, once there is a level", requestModal({ ...emptyForm, level: "viewer", principal: engineer }, offers)],
    ["a request for an ARN with a path", requestModal({ ...emptyForm, level: "admin", principal: path }, offers)],
  ])("%s", (_, view) => {
    expect(problemsOfView(view)).toEqual([]);
    expect(linesOfView(view)).toMatchSnapshot();
  });
});
