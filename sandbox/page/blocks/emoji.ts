/** The pictures of the names that people and the bot use here; any other name stays as it is written. */
const pictures: Readonly<Record<string, string>> = {
  "+1": "👍",
  "-1": "👎",
  alarm_clock: "⏰",
  ballot_box_with_check: "☑️",
  bell: "🔔",
  bulb: "💡",
  calendar: "📅",
  eyes: "👀",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  information_source: "ℹ️",
  key: "🔑",
  lock: "🔒",
  mag: "🔍",
  memo: "📝",
  no_entry: "⛔",
  octagonal_sign: "🛑",
  page_facing_up: "📄",
  rocket: "🚀",
  rotating_light: "🚨",
  shield: "🛡️",
  tada: "🎉",
  unlock: "🔓",
  warning: "⚠️",
  wave: "👋",
  white_check_mark: "✅",
  wrench: "🔧",
  x: "❌",
};

export function emoji(name: string): string {
  return pictures[name] ?? `:${name}:`;
}
