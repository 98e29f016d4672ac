import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../src/sandbox/slack/block-limits.ts";
import { commands } from "../../../src/slack/commands/all.ts";
import { helpAnswer, unknownCommandAnswer } from "../../../src/slack/messages/help-answer.ts";
import { textOfBlocks } from "./text-of-blocks.ts";

describe("the help", () => {
  test("names every command, with what may stand behind it and what it does", () => {
    const text = textOfBlocks(helpAnswer(commands)).replaceAll("&lt;", "<").replaceAll("&gt;", ">");

    const missing = commands.filter(({ word, usage, summary }) => {
      return !text.includes(`\`${`/eks-access ${word} ${usage}`.trim()}\` ${summary}`);
    });
    expect(missing.map(({ word }) => word)).toEqual([]);
  });

  test("is something that Slack takes", () => {
    const { blocks } = helpAnswer(commands);

    expect(problemsOf(blocks)).toEqual([]);
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
  });
});

describe("a word that is no command", () => {
  test("is answered with the one that was meant, in the whole line to copy", () => {
    const { text } = unknownCommandAnswer("reqest", "request", "staging arn:aws:iam::111122223333:role/x viewer why");

    expect(text).toBe(
      "There is no command `reqest`. Did you mean `request`? Copy this line:\n" +
        "```/eks-access request staging arn:aws:iam::111122223333:role/x viewer why```",
    );
  });

  test("can format nothing and mention nobody", () => {
    expect(unknownCommandAnswer("<!channel>`x", null, "").text).toBe(
      "There is no command `&lt;!channel&gt;'x`. See `/eks-access help`.",
    );
    expect(unknownCommandAnswer("lst", "list", "<!channel> ```").text).not.toContain("<!channel>");
  });

  test("of thousands of characters is answered with something that Slack takes", () => {
    const { blocks } = unknownCommandAnswer("&".repeat(5_000), "request", "<".repeat(5_000));

    expect(problemsOf(blocks)).toEqual([]);
  });
});
