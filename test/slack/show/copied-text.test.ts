import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mrkdwn } from "../../../sandbox/page/blocks/mrkdwn.ts";
import type { Reader } from "../../../sandbox/page/blocks/surface.ts";
import { readRequest, splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { mistakesAnswer } from "../../../src/slack/ask/request.ts";
import { code, codeBlock, plainLine, preformatted, styled } from "../../../src/slack/show/mrkdwn.ts";
import { asClause } from "../../../src/slack/show/words.ts";
import { anyCharacter } from "../../any-text.ts";
import { aCluster, clustersOf } from "../../builders/a-cluster.ts";
import { at } from "../../builders/times.ts";

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
