/* SPDX-License-Identifier: Apache-2.0
 *
 * base/err - the one list of errors that functions return.
 *
 * A function that can fail returns wk_err and is marked WK_MUST_USE; results leave through
 * out-pointers. Zero is success, every error is negative. Unless a header says otherwise, on
 * error nothing has changed. What is refused on a wire (data-access-result, exception, HTTP
 * status) has enums of its own, mapped from these once. */
#ifndef WK_BASE_ERR_H
#define WK_BASE_ERR_H

#define WK_MUST_USE __attribute__((warn_unused_result))

/* name, value, what it tells a person */
#define WK_ERR_LIST(X)                                                                         \
    X(WK_OK, 0, "ok")                                                                          \
    X(WK_E_ARGUMENT, -1, "an argument is outside what the function accepts")                   \
    X(WK_E_RANGE, -2, "a value is outside its range")                                          \
    X(WK_E_FORMAT, -3, "the input does not have the form it must have")                        \
    X(WK_E_SHORT, -4, "the input ends too early")                                              \
    X(WK_E_FULL, -5, "there is no room left")                                                  \
    X(WK_E_NOT_FOUND, -6, "there is no such thing")                                            \
    X(WK_E_STATE, -7, "this is not possible in the present state")                             \
    X(WK_E_DENIED, -8, "the role has no right to do this")                                     \
    X(WK_E_AUTH, -9, "authentication failed")                                                  \
    X(WK_E_REPLAY, -10, "the invocation counter was used before")                              \
    X(WK_E_BUSY, -11, "busy, try again later")                                                 \
    X(WK_E_IO, -12, "the device or the system refused the operation")                          \
    X(WK_E_CORRUPT, -13, "stored data fails its check")                                        \
    X(WK_E_UNSUPPORTED, -14, "this is not supported")                                          \
    X(WK_E_TIMEOUT, -15, "no answer came in time")                                             \
    X(WK_E_CLOSED, -16, "the other end closed")                                                \
    X(WK_E_OVERRUN, -17, "records were overwritten before they were read")                     \
    X(WK_E_REFUSED, -18, "the other end refused the request")

#define WK_ERR_ENUM(name, value, text) name = (value),
typedef enum wk_err { WK_ERR_LIST(WK_ERR_ENUM) } wk_err;
#undef WK_ERR_ENUM

/** The name ("WK_E_RANGE") and the text of an error; "WK_E_?" / "unknown error" otherwise. */
const char *wk_err_name(wk_err err);
const char *wk_err_text(wk_err err);

/** Returns from the caller with the error of `call`, if it is one. */
#define WK_TRY(call)                                                                           \
    do {                                                                                       \
        const wk_err wk_try_err_ = (call);                                                     \
        if (wk_try_err_ != WK_OK) {                                                            \
            return wk_try_err_;                                                                \
        }                                                                                      \
    } while (0)

#endif
