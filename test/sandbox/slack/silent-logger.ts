import { type Logger, LogLevel } from "@slack/bolt";

/** Bolt and the WebClient log requests that fail, which is what many tests are about. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => LogLevel.ERROR,
  setName: () => {},
};
