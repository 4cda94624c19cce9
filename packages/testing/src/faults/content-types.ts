export const JSON_TYPE = "application/json";
export const HTML = "text/html; charset=utf-8";
