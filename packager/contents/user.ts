/** Who the serving process runs as: `nonroot` of the distroless images, in numbers so that any base will do. */
export const USER_ID = 65_532;
