/** Who we are for a registry. */
export type Credentials =
  | { readonly type: 'password'; readonly user: string; readonly password: string }
  /** Some registries give `docker login` a token to get others with, in place of the password. */
  | { readonly type: 'identity-token'; readonly token: string };
