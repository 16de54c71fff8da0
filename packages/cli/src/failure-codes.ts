/** Every way in which a command itself fails: a stable code and its meaning. What a service refuses keeps the service's code. */
export const CLI_FAILURES = {
  usage: 'The command line cannot be followed',
  file_unreadable: 'A file that was named cannot be read, or holds something else',
  file_exists: 'A file is there already and was not to be overwritten',
  data_missing: 'The folder holds no installation',
  data_format: 'The folder was made by another version',
  data_not_ours: 'The folder holds something else',
  data_locked: 'Another process uses the folder',
  passphrase_missing: 'No passphrase was given',
  passphrase_empty: 'A passphrase is empty',
  password_wrong: 'A password does not open the file that it was given for',
  not_running: 'No authority, or nothing at all, runs on the folder',
  not_reachable: 'The authority cannot be reached',
  answer_invalid: 'What answers is no authority of this version',
  fetch_failed: 'A CRL or an OCSP answer cannot be fetched',
  crl_delta_unfit: 'What freshestCRL leads to is no delta, or one to a list that comes later',
  crl_not_in_force: 'A CRL is of the future, has ended, or never says when it ends',
  crl_signature: 'A CRL is not signed by the issuer that was named',
  unknown_certificate: 'No certificate matches',
  child_failed: 'A process that was started ended before it was ready',
  exec_failed: 'The command after a renewal failed',
  url_missing: 'Nothing says where the authority is',
  tls_disarmed: 'The environment switches the checks of TLS off',
  config_invalid: 'The configuration file cannot be followed',
  internal: 'A bug in Countersign',
} as const;

/** A stable code of {@link CLI_FAILURES}. */
export type CliFailureCode = keyof typeof CLI_FAILURES;
