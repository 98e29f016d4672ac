import { expect, test } from "vitest";
import { completions, usagesOf } from "../../../sandbox/page/chat/composer.ts";
import { commands } from "../../../src/slack/app/commands.ts";

const usages = usagesOf([
  { word: "request", usage: "[<cluster> <arn> <level> [for 4h] <reason>]", summary: "asks for access" },
  { word: "revoke", usage: "<id> [why]", summary: "takes access away" },
  { word: "help", usage: "", summary: "shows this" },
]);
const values = { cluster: ["staging", "production"], level: ["viewer"], for: ["for 2m"], id: ["r-1"] };
const after = (line: string) => completions(line, usages, values).map((each) => each.line);

test.each([
  ["", []],
  ["hello", []],
  ["/", ["/eks-access request ", "/eks-access revoke ", "/eks-access help"]],
  ["/eks-access re", ["/eks-access request ", "/eks-access revoke "]],
  ["/eks-access request ", ["/eks-access request staging ", "/eks-access request production "]],
  ["/eks-access request st", ["/eks-access request staging "]],
  ["/eks-access request staging arn:x v", ["/eks-access request staging arn:x viewer "]],
  ["/eks-access request staging arn:x viewer f", ["/eks-access request staging arn:x viewer for 2m "]],
  ["/eks-access revoke ", ["/eks-access revoke r-1 "]],
  ["/eks-access help ", []],
  ["/eks-access nonsense ", []],
  ["/other re", []],
])("after %o one can type %j", (line, lines) => {
  expect(after(line)).toEqual(lines);
});

test("every word of the bot is offered, with what it does", () => {
  const offered = completions("/eks-access ", usagesOf(commands), {});

  expect(offered.map(({ does }) => does)).toEqual(commands.map(({ summary }) => summary));
});
