/** What a token must allow to read a repository, in the words of the token services. */
export function pullScopes(repository: string): readonly string[] {
  return [`repository:${repository}:pull`];
}

/** What a token must allow to write one, which is never done without looking first. */
export function pushScopes(repository: string): readonly string[] {
  return [`repository:${repository}:pull,push`];
}
