import { describe, expect, test } from "vitest";
import { extensionChoices, readExtension } from "../../../src/access/ask/extension.ts";
import { permanentSeconds } from "../../../src/access/lease/lease-record.ts";
import { aLevel } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest } from "../../builders/a-request.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const level = aLevel({ maxDurationSeconds: hours(8) });
const active = aLeasedRequest({ state: "active" });
/** An hour before the end of the four hours. */
const now = at(minutes(2) + hours(3));

/** When the four hours are over. */
const end = minutes(2) + hours(4);

describe("an extension", () => {
  test("ends so much later than the lease that it extends", () => {
    expect(readExtension(active, level, hours(2), now)).toEqual({
      type: "extension",
      until: at(end + hours(2)).toISOString(),
      durationSeconds: hours(3),
    });
  });

  test("ends at the same time whenever it is asked for", () => {
    const [early, late] = [now, at(end - 1)].map((when) => readExtension(active, level, hours(2), when));

    expect(early).toMatchObject({ until: at(end + hours(2)).toISOString() });
    expect(late).toMatchObject({ until: at(end + hours(2)).toISOString() });
  });

  test("may reach the level's maximum, and not a second more", () => {
    const most = readExtension(active, level, hours(7), now);
    const more = readExtension(active, level, hours(7) + 1, now);

    expect(most).toMatchObject({ type: "extension", durationSeconds: hours(8) });
    expect(more).toEqual({
      type: "refused",
      message: "viewer lasts at most 8h at a time. Extend `r-1` by at most 7h now.",
    });
  });

  test("says the most in whole minutes", () => {
    const reading = readExtension(active, level, hours(8), at(minutes(2) + hours(3) + 30));

    expect(reading).toMatchObject({ message: expect.stringContaining("by at most 7h now") });
  });

  test("has to wait where what is left is as long as the level allows, and says until when", () => {
    expect(readExtension(active, aLevel({ maxDurationSeconds: minutes(30) }), minutes(10), now)).toEqual({
      type: "refused",
      message: `viewer lasts at most 30m at a time. Extend \`r-1\` from ${at(end - minutes(25)).toISOString()} on.`,
    });
  });

  test("longer than any calendar is refused as any other that is too long", () => {
    const tooLong = readExtension(active, level, hours(100), now);

    expect(tooLong.type).toBe("refused");
    expect(readExtension(active, level, Number.MAX_SAFE_INTEGER, now)).toEqual(tooLong);
  });

  test.each([
    ["is not active yet", anApprovedRequest()],
    ["has ended", aLeasedRequest({ state: "ended" })],
    ["is being revoked", aLeasedRequest({ state: "active", end: { cause: "revoked", by: "U1", at: "", why: "" } })],
  ])("of a lease that %s is refused, and has no choices", (_, request) => {
    expect(extensionChoices(request, level, now)).toEqual([]);
    expect(readExtension(request, level, hours(1), now)).toEqual({
      type: "refused",
      message: "r-1 is not active. Request access again.",
    });
  });
});

describe("the choices of the form", () => {
  test("are round times, each with its end, as far as the level allows", () => {
    expect(extensionChoices(active, aLevel({ maxDurationSeconds: hours(4) }), now)).toEqual([
      { bySeconds: minutes(30), until: at(end + minutes(30)).toISOString() },
      { bySeconds: hours(1), until: at(end + hours(1)).toISOString() },
      { bySeconds: hours(2), until: at(end + hours(2)).toISOString() },
    ]);
  });

  test("are shorter ones where there is no room for half an hour", () => {
    const choices = extensionChoices(active, aLevel({ maxDurationSeconds: hours(1) + minutes(20) }), now);

    expect(choices.map(({ bySeconds }) => bySeconds)).toEqual([minutes(5), minutes(10), minutes(15)]);
  });

  test("are none where it has to wait", () => {
    expect(extensionChoices(active, aLevel({ maxDurationSeconds: hours(1) }), now)).toEqual([]);
  });

  test("are never refused, and never more than a form can hold", () => {
    for (const max of [hours(2), hours(8), hours(24 * 30)]) {
      const wide = aLevel({ maxDurationSeconds: max });
      const choices = extensionChoices(active, wide, now);

      expect(choices.length).toBeGreaterThan(0);
      expect(choices.length).toBeLessThanOrEqual(10);
      for (const { bySeconds, until } of choices) {
        expect(readExtension(active, wide, bySeconds, now)).toMatchObject({ type: "extension", until });
      }
    }
  });
});

test("permanent access has nothing to extend", () => {
  const permanent = aLeasedRequest({ state: "active" }, { durationSeconds: permanentSeconds });

  expect(readExtension(permanent, aLevel(), 60, at(minutes(5)))).toEqual({
    type: "refused",
    message: "r-1 is permanent.",
  });
});
