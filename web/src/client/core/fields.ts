/** Readers of one field of a frame or body. They raise FrameError for a wrong value. */

/** What the server sends does not have the fields that it should have. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

export type Fields = Readonly<Record<string, unknown>>;
export type Reader<T> = (value: unknown) => T;

export function mapping(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(value);
  return value as Fields;
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw wrong(value);
  return value;
}

/** Any value is accepted, since it is only shown to people. */
export function words(value: unknown): string {
  return String(value);
}

export function flag(value: unknown): boolean {
  return value === true;
}

export function count(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw wrong(value);
  return value;
}

export function position(value: unknown): number {
  if (count(value) === 0) throw wrong(value); // positions start at 1
  return count(value);
}

/** Epoch ms. */
export const time = count;

/** Milliseconds; the wire has seconds. */
export function duration(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(value);
  return 1_000 * value;
}

/** The device's own name: `phone`, also where the frame says `raju/phone`. */
export function device(sender: unknown, value: unknown): string {
  const [user, name] = [text(sender), text(value)];
  return name.startsWith(`${user}/`) ? name.slice(user.length + 1) : name;
}

export function listOf<T>(read: Reader<T>): Reader<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw wrong(value);
    return value.map((item) => read(item));
  };
}

export function pairOf<T>(read: Reader<T>): Reader<[T, T]> {
  return (value) => {
    const [first, last] = listOf((item) => item)(value);
    return [read(first), read(last)];
  };
}

/** A map, for the names in it are anybody's choice. */
export function mapOf<T>(read: Reader<T>): Reader<Map<string, T>> {
  return (value) =>
    new Map(Object.entries(mapping(value)).map(([name, each]) => [name, read(each)]));
}

/** `absent` for a field that is not there or null. */
export function optional<T, A>(read: Reader<T>, absent: A): Reader<T | A> {
  return (value) => (value === undefined || value === null ? absent : read(value));
}

function wrong(value: unknown): FrameError {
  return new FrameError(`a field has a wrong value: ${JSON.stringify(value)}`);
}
