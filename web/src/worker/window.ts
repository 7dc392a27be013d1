/**
 * A name that libolm looks for: with `window` it takes random numbers from the browser, and without
 * it from Node.js. To be imported before it. Short, because imports of a module come before its code.
 */

Reflect.set(globalThis, "window", globalThis);
