/** strings.ToLower of Go: simple case mapping, letter by letter, so the number of letters stays. */
export function goLower(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, lowerLetter);
}

/** Two texts share it exactly if strings.EqualFold of Go finds them equal: U+017F folds to s and U+212A to k. */
export function goFold(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, foldLetter);
}

export function isAscii(text: string): boolean {
  return !/[\u0080-\uffff]/.test(text);
}

function mapLetters(text: string, map: (letter: string) => string): string {
  let mapped = "";
  for (const letter of text) mapped += map(letter);
  return mapped;
}

function lowerLetter(letter: string): string {
  if (letter === "\u0130") return "i";
  const lower = letter.toLowerCase();
  return isOneLetter(lower) ? lower : letter;
}

function foldLetter(letter: string): string {
  if (letter === "\u0131") return letter;
  const upper = letter.toUpperCase();
  const lower = (isOneLetter(upper) ? upper : letter).toLowerCase();
  return isOneLetter(lower) ? lower : letter;
}

function isOneLetter(text: string): boolean {
  return [...text].length === 1;
}
