/**
 * Defines `window` in the service worker. With that name libolm takes random numbers from the
 * browser, without it from Node.js. Import this before libolm: it is a module of its own because a
 * module's imports run before its code.
 */

Reflect.set(globalThis, "window", globalThis);
