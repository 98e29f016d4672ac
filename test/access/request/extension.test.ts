import { describe, expect, test } from "vitest";
import { permanentSeconds } from "../../../src/access/request/duration.ts";
import { readExtension, usualExtension } from "../../../src/access/request/extension.ts";
import { aLevel } from "../../builders/a-cluster.ts";
import { aGrantedRequest, anApprovedRequest } from "../../builders/a-request.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const level = aLevel({ maxDurationSeconds: hours(8) });
const active = aGrantedRequest({ state: "active" });
/** An hour before the end of the four hours. */
const now = at(minutes(2) + hours(3));

describe("an extension", () => {
  test("gives what is left and what is asked for, counted from its own approval", () => {
    expect(readExtension(active, level, hours(2), now)).toEqual({ type: "extension", durationSeconds: hours(3) });
  });

  test("may reach the level's maximum, and not a second more", () => {
    const most = readExtension(active, level, hours(7), now);
    const more = readExtension(active, level, hours(7) + 1, now);

    expect(most).toEqual({ type: "extension", durationSeconds: hours(8) });
    expect(more).toEqual({
      type: "refused",
      message: "viewer can be had for at most 8h at a time: r-1 can be extended by at most 7h now.",
    });
  });

  test("has to wait where what is left is as long as the level allows", () => {
    expect(readExtension(active, aLevel({ maxDurationSeconds: minutes(30) }), minutes(10), now)).toEqual({
      type: "refused",
      message: "viewer can be had for at most 30m at a time: r-1 can be extended later, when it is about to end.",
    });
  });

  test.each([
    ["is not active yet", anApprovedRequest()],
    ["has ended", aGrantedRequest({ state: "ended" })],
    ["is being revoked", aGrantedRequest({ state: "active", end: { cause: "revoked", by: "U1", at: "", why: "" } })],
  ])("of a grant that %s is refused", (_, request) => {
    expect(readExtension(request, level, hours(1), now)).toEqual({
      type: "refused",
      message: "r-1 is not active, so there is nothing to extend. Ask anew.",
    });
  });
});

describe("the button asks for", () => {
  test("the same time again", () => {
    expect(usualExtension(active, level, now)).toBe(hours(4));
  });

  test("as much as the level still allows, so that it is not refused", () => {
    const short = aLevel({ maxDurationSeconds: hours(3) });

    const seconds = usualExtension(active, short, now);

    expect(seconds).toBe(hours(2));
    expect(readExtension(active, short, seconds, now).type).toBe("extension");
  });
});

test("permanent access has nothing to extend", () => {
  const permanent = aGrantedRequest({ state: "active" }, { durationSeconds: permanentSeconds });

  expect(readExtension(permanent, aLevel(), 60, at(minutes(5)))).toEqual({
    type: "refused",
    message: "r-1 is permanent, so there is nothing to extend.",
  });
});
