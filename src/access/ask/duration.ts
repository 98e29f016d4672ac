import { isPermanent, permanentSeconds } from "../lease/lease-record.ts";

/** A time in a line: text that can mean for how long. Only some of these texts are durations. */
const unit = "(?:h|hrs?|hours?|m|mins?|minutes?|d|days?|w|wks?|weeks?)";
const longUnit = "(?:hours?|hrs|mins|minutes?|secs|seconds?|days?|weeks?|months?|years?)";
const numberWords = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const tens = ["fifteen", "twenty", "thirty", "forty", "fifty", "sixty", "ninety"];
const some = "half(?: an?)?|(?:a|three) quarters? of an|quarter of an|a few|a couple(?: of)?|some|several";
const spoken = `(?:(?:${[...numberWords, ...tens].join("|")}|\\d+)(?: and a half)?|${some}) (?:(?:more|full|whole) )?`;
const number = "[-~<>≤+]?(?:\\d+(?:e\\d+)?(?:[.,:-]\\d+)?[¼½¾]?|[¼½¾])";
const span = `(?:${number} ?(?:${unit}|${longUnit})(?:(?:,|,? and)? ?\\d+ ?${unit})*(?: ?\\d+)?|${spoken}${longUnit})(?: and a half)?`;

const dayName = "(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?";
const period = "(?:day|night|week|weekend|morning|afternoon|evening|shift|month|year)";
const clock = "(?:\\d{1,2}:\\d\\d|\\d{1,2} ?[ap]m|noon|midday|midnight)";
const endOf = `(?:the )?end of (?:(?:the|this|next) )?${period}`;
const moment = `(?:${clock}|\\d{4}-\\d\\d-\\d\\d\\S*|today|tonight|tomorrow(?: ${period})?|${dayName}|eod|eow|cob|(?:the|this|next) ${period}|${endOf}|further notice)`;
const limit = `(?:(?:until|till?|up to) (?:${moment}|\\d[\\d:.h]*)|(?:by|before|through) ${moment}|to \\d{1,2}:\\d\\d)`;
const forPeriod = `(?:${span}|an? (?:while|${longUnit})|today|tonight|tomorrow|(?:the|this|next|all|a|the whole) ${period})`;
const endless = "(?:permanent(?:ly)?|forever|indefinitely)";
const about = "(?:(?:about|around|approx\\w*|max\\w*|at most|up to|roughly|ca|circa)\\.? )?";
const numbered = `${about}${number}(?:(?!st\\b)[hmdwsy][a-z]*(?:[-:]\\d\\S*)?| ?[ap]m)?(?! \\w+ (?:ago|old)\\b)`;
const named = `${endless}|always|overnight|today|tonight|tomorrow|eod|eow|cob|weekend|${endOf}|pt?\\d+[hmd]|\\d{4}-\\d\\d-\\d\\d\\S*`;
const around = `(?:this|next|all) ${period}|(?:over|during) (?:the|this) ${period}|(?:from|between) \\d\\S*`;

const ends = "(?!\\S*\\w)(?! (?:ago|old)\\b)";
const timeFirst = new RegExp(
  `^(?:${about}${span}|${limit}|(?:until|till?) \\S+|an? ${longUnit}|${numbered}|${named}|${around}|for ${forPeriod})${ends}`,
  "i",
);
const timeInside = new RegExp(
  `(?<=^|[\\s(["'\`“‘]|duration[=:])(?:for (?:${forPeriod}|ever|good|${number}(?=\\W*$))|${span}|${limit}|${endless}(?=\\W*$))${ends}`,
  "i",
);

/** A time that can be the duration, and the reason without it; null: none. A number alone can count something, so it stays. */
export function timeIn(reason: string): { readonly time: string; readonly without: string } | null {
  const [found] = timeFirst.exec(reason) ?? timeInside.exec(reason) ?? [];
  if (found === undefined) return null;
  const time = withoutStop(found).replace(/^for (?!ever|good)/i, "");
  if (/^[\d.,:-]+$/.test(time)) return { time, without: reason };
  const rest = reason
    .replace(found, "")
    .replace(/\(\)|\[\]|(["'`])\1|“”|‘’|(?:--)?duration[=:]|(?:^| )[,;:.](?= |$)/, " ");
  return { time, without: rest.trim().replace(/\s+/g, " ") };
}

const longest = 6;

/** The number of words of a duration at this place. Minutes without a unit belong to it, so that they are not lost. */
export function durationWords(words: readonly string[], at: number): number {
  const lengths = Array.from({ length: Math.min(longest, words.length - at) }, (_, index) => index + 1);
  // Not for how long: 2 hours ago, 5 minutes of errors.
  const isOver = (count: number) => !/^(?:ago|old|of)$/i.test(words[at + count] ?? "");
  const reads = (count: number) => readTime(timeOf(words.slice(at, at + count))) !== null && isOver(count);
  const length = lengths.findLast(reads) ?? 0;
  if (length === 0) return 0;
  const [last = "", ...next] = words.slice(at + length - 1, at + length + 3);
  if (/^and (?:a half|\d)/i.test(next.join(" "))) return length + next.length;
  return /^\d*(?:h|hrs?|hours?)$/i.test(last) && /^[0-5]\d$/.test(withoutStop(next[0] ?? "")) ? length + 1 : length;
}

/** The number of words of a time at this place, also of one that is no duration, or that begins with `for`. */
export function timeWords(words: readonly string[], at: number): number {
  const [found] = timeFirst.exec(words.slice(at, at + longest).join(" ")) ?? [];
  return found === undefined ? 0 : found.split(" ").length;
}

export function timeOf(words: readonly string[]): string {
  return withoutStop(words.join(" "));
}

/** A word or a time as it begins a clause: `2h:`, `staging,`. */
function withoutStop(text: string): string {
  return text.replace(/[,;:.]$/, "");
}

const spokenNumber = new RegExp(`^(${numberWords.join("|")}|${tens.join("|")})(?= ${longUnit})`);
const tensAt = [15, 20, 30, 40, 50, 60, 90] as const;

/** Reads a duration as people type it: `two hours`, `1.5h`, `1h30`, `1 hour and 30 min`, `1 week`. Null: it is none, or has two meanings. */
export function readTime(typed: string): number | null {
  // People count HTTP statuses: 404s.
  if (/^[1-5]\d\ds$/i.test(typed)) return null;
  const text = typed
    .toLowerCase()
    .replace(/^half an hour$/, "30m")
    .replace(/^half a day$/, "12h")
    .replace(/^an hour$/, "1h")
    .replace(spokenNumber, (word) => String(tensAt[tens.indexOf(word)] ?? numberWords.indexOf(word) + 1))
    .replace(/(?<=[a-z])(?:,|,? and) (?=\d)/g, " ")
    .replace(
      /^(\d{1,3}[.,](?:5|25|75)) ?(?:(h)(?:(?:ou)?rs?)?|d(?:ays?)?)$/,
      (_, count: string, h?: string) => `${Number(count.replace(",", ".")) * (h ? 60 : 1440)}m`,
    )
    .replace(/^(\d{1,3}) ?w(?:(?:ee)?ks?)?$/, (_, weeks: string) => `${Number(weeks) * 7}d`)
    .replace(/^(\d+h)([0-5]\d)$/, "$1$2m");
  return parseDuration(text);
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

const PIECE = /(\d{1,6})\s*(d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])\s*/y;

/** Reads `90m`, `4h`, `2 hours`, `1h30m`, `2d` as whole seconds, and `permanent`. Null: no duration above zero. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === "permanent") return permanentSeconds;
  let seconds = 0;
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < trimmed.length) {
    const [, count, unit = ""] = PIECE.exec(trimmed) ?? [];
    if (count === undefined) return null;
    seconds += Number(count) * (secondsOf[unit.charAt(0)] ?? 0);
  }
  // So much longer than that, a lease would end after the last date.
  if (isPermanent(seconds)) return permanentSeconds;
  return seconds > 0 ? seconds : null;
}

/** Writes whole seconds as `1d 2h`, `4h`, `1h 30m`, `45s`: only the units that are not zero. */
export function formatDuration(seconds: number): string {
  if (isPermanent(seconds)) return "permanent";
  const parts: string[] = [];
  let rest = seconds;
  for (const unit of ["d", "h", "m", "s"]) {
    const size = secondsOf[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join(" ") || "0s";
}

const timeOfIso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** Null: it is in another form. Node reads 1.9.2026 as a day in January, and the 31st of a shorter month as one of the next. */
export function readIsoTime(text: string): Date | null {
  const [time, day] = [new Date(text), new Date(text.slice(0, 10))];
  if (!timeOfIso.test(text) || Number.isNaN(time.getTime()) || Number.isNaN(day.getTime())) return null;
  return day.toISOString().startsWith(text.slice(0, 10)) ? time : null;
}
