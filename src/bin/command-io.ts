/** What a command reads and writes, so that it can be run in a test as it is run in a terminal. */
export interface CommandIo {
  stdout(text: string): void;
  stderr(text: string): void;
  readStdin(): Promise<string>;
  /** Whether colour helps whoever reads stdout. */
  colour: boolean;
}
