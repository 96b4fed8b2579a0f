/** @file The one error of the runner. */

/** Every error of the runner: what is wrong, and what to do about it. */
export class WebDnnError extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} hint what to do about it
   * @param {unknown} [cause]
   */
  constructor(message, hint, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "WebDnnError";
    this.hint = hint;
  }
}

/** The bundle or its loading is at fault, so that no other backend would fare better. */
export class BundleError extends WebDnnError {}

/**
 * @param {unknown} error
 * @returns {string} what it says
 */
export function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}
