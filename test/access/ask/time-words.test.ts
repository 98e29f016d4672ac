import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { permanentSeconds } from "../../../src/access/lease/lease-record.ts";
import { aCluster, aLevel, clustersOf } from "../../builders/a-cluster.ts";

const arn = "arn:aws:iam::111122223333:role/developers";
const hours = 3_600;
const week = 7 * 24 * hours;
const ticket = { need: "optional", pattern: "OPS-[0-9]+" } as const;
const clusters = clustersOf(aCluster({ ticket, levels: [aLevel({ maxDurationSeconds: 2 * week })] }));

function read(line: string) {
  return readRequest(splitRequestLine(line, clusters), clusters);
}

function mistakesOf(line: string): string[] {
  const reading = read(line);
  return reading.type === "requested" ? [] : reading.mistakes.map(({ part, message }) => `${part}: ${message}`);
}

const readable: readonly [string, number][] = [
  ["2h", 2 * hours],
  ["2 h", 2 * hours],
  ["2hrs", 2 * hours],
  ["2 hours", 2 * hours],
  ["two hours", 2 * hours],
  ["an hour", hours],
  ["half an hour", hours / 2],
  ["thirty minutes", hours / 2],
  ["1.5h", 1.5 * hours],
  ["2,5h", 2.5 * hours],
  ["0.5 days", 12 * hours],
  ["1h30", 1.5 * hours],
  ["1h30m", 1.5 * hours],
  ["1 hour and 30 min", 1.5 * hours],
  ["1 hour, 30 minutes", 1.5 * hours],
  ["90 min", 1.5 * hours],
  ["1d", 24 * hours],
  ["２ｈ", 2 * hours],
  ["1 week", week],
  ["two weeks", 2 * week],
];

/** Each looks like a time where a duration can be, and none is one. */
const unreadable = [
  "1e9h",
  "90",
  "120",
  "1.5",
  "18:00",
  "6pm",
  "1:30",
  "2-3h",
  "~2h",
  "2stunden",
  "404s",
  "1h75",
  "permanently",
  "forever",
  "indefinitely",
  "until tomorrow",
  "until Friday",
  "until 18:00",
  "till 18:00",
  "til noon",
  "by noon",
  "by 6pm",
  "by the end of the day",
  "for the weekend",
  "for today",
  "for the day",
  "for a while",
  "over the weekend",
  "this week",
  "overnight",
  "all day",
  "today",
  "a few hours",
  "a couple of hours",
  "several days",
  "a day",
  "about 2h",
  "2 months",
  "2h-3h",
  "2h:30m",
  "90'",
  "1½h",
  "one and a half hours",
  "an hour and a half",
  "2 hours and a half",
  "three quarters of an hour",
  "2 more hours",
  "from 9:00",
  "until 2026-12-01",
  "end of day",
  "weekend",
  "always",
  "PT2H",
] as const;

const frontParts = fc.shuffledSubarray(["staging", "viewer", arn], { minLength: 3 });
const reasons = fc.constantFrom("look", "look at it", "see the logs of checkout", "at once");

describe("a time before the reason", () => {
  test.each(readable)("is the duration: %s", (time, durationSeconds) => {
    expect(read(`staging ${arn} viewer ${time} look`)).toMatchObject({
      requested: { durationSeconds, reason: "look" },
    });
    expect(read(`staging ${arn} viewer for ${time}, look`)).toMatchObject({
      requested: { durationSeconds, reason: "look" },
    });
  });

  test("is the duration at any place in any order", () => {
    fc.assert(
      fc.property(
        frontParts,
        fc.constantFrom(...readable),
        fc.constantFrom("", "for "),
        fc.nat(3),
        reasons,
        (front, [time, durationSeconds], word, at, reason) => {
          const line = [...front.toSpliced(at, 0, `${word}${time}`), reason].join(" ");

          expect(read(line), line).toMatchObject({
            requested: { cluster: { name: "staging" }, level: { name: "viewer" }, durationSeconds, reason },
          });
        },
      ),
    );
  });

  test.each(unreadable)("is asked about if it can't be the duration: %s", (time) => {
    const [mistake, ...more] = mistakesOf(`staging ${arn} viewer ${time} look`);

    expect(mistake).toMatch(/^duration: (?:Is .+ the duration\?|".+" is not a duration)/);
    expect(more).toEqual([]);
  });

  test("is asked about at any place in any order, and nothing else is wrong then", () => {
    fc.assert(
      fc.property(frontParts, fc.constantFrom(...unreadable), fc.nat(3), reasons, (front, time, at, reason) => {
        const line = [...front.toSpliced(at, 0, time), reason].join(" ");

        expect(mistakesOf(line), line).toEqual([expect.stringMatching(/^duration: /)]);
      }),
    );
  });

  test("can be permanent where no reason can begin, and is asked about where one can", () => {
    expect(read(`permanent viewer ${arn} staging look`)).toMatchObject({
      requested: { durationSeconds: permanentSeconds },
    });
    expect(mistakesOf(`staging ${arn} viewer permanent look`)).toEqual([
      expect.stringMatching(/^duration: Is permanent /),
    ]);
    expect(mistakesOf(`staging ${arn} viewer look permanent`)).toEqual([
      expect.stringMatching(/^duration: Is permanent /),
    ]);
  });

  test.each(["2h 30 look", "for 2h 30 look", "1 hour 15 look"])("does not lose its minutes: %s", (rest) => {
    expect(mistakesOf(`staging ${arn} viewer ${rest}`)).toEqual([expect.stringMatching(/^duration: "\S.+" is not a/)]);
  });

  test("that can't be read stays in the reason of the line to copy only if it is a number", () => {
    const corrected = (rest: string) => {
      const reading = read(`staging ${arn} viewer ${rest}`);
      return reading.type === "mistakes" ? reading.corrected.split("viewer ")[1] : reading;
    };

    expect(corrected("500 errors")).toBe("for <duration> 500 errors");
    expect(corrected("until tomorrow look")).toBe("for <duration> look");
    expect(corrected("permanent look")).toBe("for permanent look");
    expect(corrected("`2h` look")).toBe("for 2h look");
    expect(corrected("for debugging it for 2h")).toBe("for 2h for debugging it");
  });
});

describe("a time in the reason", () => {
  test.each([
    ["look 2h", "2h"],
    ["look two hours", "two hours"],
    ["in shop 2h look", "2h"],
    ["look at it 1 hour and 30 min", "1 hour and 30 min"],
    ["look for 2 hours please", "2 hours"],
    ["look 2h please", "2h"],
    ["I need 3 days to look", "3 days"],
    ["look (2h)", "2h"],
    ["“2h” look", "2h"],
    ["`2h` look", "2h"],
    ["[2h] look", "2h"],
    ["--duration=2h look", "2h"],
    ["5 minutes of errors", "5 minutes"],
    ["for debugging it for 2h", "2h"],
    ["look until tomorrow", "until tomorrow"],
    ["look until the end of the week", "until the end of the week"],
    ["look till 18:00 please", "till 18:00"],
    ["fix it by noon", "by noon"],
    ["keep watch for the weekend", "the weekend"],
    ["look for today", "today"],
    ["look for a few hours", "a few hours"],
    ["look forever", "forever"],
    ["look for ever", "for ever"],
    ["look permanently", "permanently"],
    ["look for good", "for good"],
    ["look for 90", "90"],
    ["until it is fixed", "until it"],
    ["look for one and a half hours", "one and a half hours"],
    ["look from 18:00 to 20:00", "to 20:00"],
    ["look until 2026-12-01", "until 2026-12-01"],
    ["look for 2 more hours", "2 more hours"],
  ])("is asked about if no other is given: %s", (rest, time) => {
    expect(mistakesOf(`staging ${arn} viewer ${rest}`)).toEqual([
      expect.stringMatching(new RegExp(`^duration: (?:Is ${time} the duration\\?|"${time}" is not a duration\\.)`)),
    ]);
    expect(read(`staging ${arn} viewer 30m ${rest}`)).toMatchObject({
      requested: { durationSeconds: 1_800, reason: rest },
    });
  });

  test.each([
    "look at 120 pods",
    "after 2 restarts",
    "see #120",
    "#120 is open",
    "look at port 8080",
    "look for 500 errors",
    "5xx of checkout",
    "see many 404s",
    "1st replica is down",
    "it crashed 2 hours ago",
    "2 hours ago it crashed",
    "3 days old pods hang",
    "today's release hangs",
    "look at the permanent volumes",
    "wait until it heals",
    "by hand",
    "for the move",
    "to node 3",
    "0/3 nodes are available",
    "10.0.0.1 does not answer",
    "P1 incident",
    "m5.2xlarge nodes are full",
    "look at web-2h and web-3d",
    "am on it",
    "a dashboard is red",
    "on call for payments",
    "at once",
    "do it for a minor fix",
    "fails once a day",
    "read /var/log/2h.txt",
  ])("is not every number, or word of time: %s", (reason) => {
    expect(read(`staging ${arn} viewer ticket OPS-120 ${reason}`)).toMatchObject({
      requested: { durationSeconds: hours, ticket: "OPS-120", reason },
    });
  });

  test("never gives the usual hour, whatever the order and the time", () => {
    const times = fc.oneof(
      fc.tuple(
        fc.integer({ min: 1, max: 999 }),
        fc.constantFrom("h", " h", " hours", "hrs", "d", " days", "m", " min", "w"),
      ),
      fc.tuple(fc.constantFrom("two", "three", "a few", "several"), fc.constantFrom(" hours", " days", " weeks")),
      fc.tuple(fc.constantFrom("until", "till"), fc.constantFrom(" tomorrow", " 18:00", " noon", " Monday")),
    );
    fc.assert(
      fc.property(frontParts, times, reasons, reasons, fc.boolean(), (front, time, before, after, isAtEnd) => {
        const words = [...front, before, time.join(""), ...(isAtEnd ? [] : [after])];

        expect(mistakesOf(words.join(" ")), words.join(" ")).toEqual([expect.stringMatching(/^duration: /)]);
      }),
    );
  });
});
