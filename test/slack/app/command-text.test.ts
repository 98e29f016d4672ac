import { expect, test } from "vitest";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { readCommandText } from "../../../src/slack/app/context.ts";
import { aCluster, clustersOf } from "../../builders/a-cluster.ts";
import { cpuTimeOf } from "../../cpu-time.ts";

test.each([
  ["request for &lt;@U0BOB&gt; a &amp; b", "request for <@U0BOB> a & b", []],
  ["for <@U0BOB|bob> now", "for @bob now", [["@bob", "U0BOB"]]],
  ["for <@W0BOB> now", "for @W0BOB now", [["@W0BOB", "W0BOB"]]],
  ["<@U0BOB|Bob Smith> asks", "@Bob-Smith asks", [["@Bob-Smith", "U0BOB"]]],
  [
    "<@U0BOB|bob> and <@U0BOB2|bob>",
    "@bob and @U0BOB2",
    [
      ["@bob", "U0BOB"],
      ["@U0BOB2", "U0BOB2"],
    ],
  ],
  ["deny r-1 see <#C0OPS|ops> and <#C0DEV>", "deny r-1 see #ops and #C0DEV", []],
  ["<!subteam^S0SRE|@sre>, <!here> look", "@sre, @here look", []],
  ["see <https://a.test/x?a=1&amp;b=2|a.test/x> or <https://b.test>", "see a.test/x or https://b.test", []],
  [
    "why arn:aws:sts::111122223333:assumed-role/Dev/<mailto:alice@example.com|alice@example.com>",
    "why arn:aws:sts::111122223333:assumed-role/Dev/alice@example.com",
    [],
  ],
  ["request <cluster> <arn> <level>", "request <cluster> <arn> <level>", []],
])("%s", (sent, text, people) => {
  expect(readCommandText(sent)).toEqual({ text, people: new Map(people as [string, string][]) });
});

const tickets = clustersOf(aCluster({ ticket: { need: "optional", pattern: "[A-Z]{2,6}-[0-9]+" } }));

test.each(["until 1", "for 1", "<http:", "<@U", "OPS-1 ", "1h ", "in ", ")"])(
  "a megabyte of %j keeps no process busy",
  (part) => {
    const line = `request staging viewer look ${part.repeat(2 ** 20 / part.length)}`;
    const read = () => {
      const { text, people } = readCommandText(line);
      return readRequest(splitRequestLine(text.slice("request ".length), tickets, people), tickets).type;
    };

    let reading: string | undefined;
    const milliseconds = cpuTimeOf(() => {
      reading = read();
    });

    expect(reading).toBe("mistakes");
    expect(milliseconds).toBeLessThan(1_000);
  },
);
