/** Why the authority could not be made, opened or kept running. The table of codes. */
export const authorityErrorCodes = {
  already_initialized: 'There is an authority in this folder already',
  not_initialized: 'There is no authority in this folder',
  already_running: 'An authority is running on this folder already',
  unknown_format: 'The folder was written by another version',
  folder_broken: 'A file of the folder is missing or cannot be read',
  key_unreadable: 'The file holds no encrypted key',
  wrong_passphrase: 'The passphrase does not open the key',
  root_key_absent: "The root's key is not in this folder",
  root_key_mismatch: 'The key is not the key of this root',
  port_in_use: 'The address is in use',
  address_unavailable: 'The address cannot be listened on',
  storage_full: 'The disk is full',
  storage_failed: 'The store cannot be read or written',
  store_corrupt: 'The store is damaged',
  backup_unreadable: 'The file is not a backup, or is damaged',
  file_exists: 'The file exists already',
  file_unwritable: 'The file cannot be written',
  invalid_option: 'An option is not possible',
} as const;

/** A stable code of `AuthorityError`. */
export type AuthorityErrorCode = keyof typeof authorityErrorCodes;

/**
 * A failure outside anybody's request: starting, stopping, files, the store. The message is one line that can be shown as it is.
 *
 * @example
 * try { await startAuthority(options) } catch (error) { if (error instanceof AuthorityError) console.error(error.message) }
 */
export class AuthorityError extends Error {
  readonly code: AuthorityErrorCode;

  constructor(code: AuthorityErrorCode, detail: string, options?: ErrorOptions) {
    super(`${authorityErrorCodes[code]}: ${detail}`, options);
    this.name = 'AuthorityError';
    this.code = code;
  }
}
