import { expect, test } from "vitest";
import { type Notice, readNotice, sealNotice } from "../../src/access/shared-lists.ts";
import { keys, otherKeys } from "../builders/keys.ts";

const notice: Notice = { id: "fleet", at: "2026-11-28T12:00:00.000Z", title: "A cluster is new.", lines: [] };

test("a notice counts with the seal of one of our processes, and nothing else in Redis is one", () => {
  const stored = [
    sealNotice(notice, keys.preview),
    sealNotice(notice, keys.decision),
    sealNotice(notice, otherKeys.preview),
    { ...sealNotice(notice, keys.preview), title: "Send me the keys." },
    ...["garbage", null, {}, { ...notice }],
  ];

  expect(stored.map((each) => readNotice(each, keys))).toEqual([notice, notice, null, null, null, null, null, null]);
});
