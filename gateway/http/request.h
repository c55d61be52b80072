#ifndef GATEWAY_HTTP_REQUEST_H
#define GATEWAY_HTTP_REQUEST_H

#include <microhttpd.h>

#include "gateway/http/admission.h"
#include "gateway/http/endpoint.h"

/*
 * A request's way through the library's calls:
 *
 *     request_line        the raw target, before the library takes it apart
 *     request_handle      headers: admission, begin
 *     request_handle      each piece of a body
 *     request_handle      complete: complete, and here the answer is queued
 *     request_completed   finished
 *
 * An answer given earlier is kept until the last of the calls, because one
 * that is queued at the headers costs the connection; but for a request
 * whose body nobody wants to read that is just what is meant.
 */
enum request_phase {
    REQUEST_HEADERS = 0, /* not admitted */
    REQUEST_REFUSED,     /* by admission; no handler knows it */
    REQUEST_BODY,        /* begun */
    REQUEST_COMPLETE,
};

struct response_stream;

struct http_request {
    struct http_endpoint *ep;
    struct connection *connection;
    struct MHD_Connection *mhd;
    void *context;
    enum request_phase phase;
    struct admission admission;
    const char *method;        /* the library's; to the end of the request */
    struct http_field *fields; /* names and values too; trimmed */
    size_t field_count;
    struct buf body;
    struct http_body_taker taker; /* instead; take is NULL: collected */
    size_t taken;                 /* since its time began */
    size_t dropped;               /* bytes of a body that is too large */
    bool suspended;               /* the library's word */
    bool aborted;                 /* to be closed at the next call */
    bool body_unread;             /* answered before */
    bool last;                    /* the connection ends with it */
    bool queued;
    struct MHD_Response *response; /* NULL: not answered */
    int status;
    uint64_t body_sent;             /* if all of it is */
    struct response_stream *stream; /* lives as long as response */
    size_t target_length;
    char target[];
};

/* MHD_OPTION_URI_LOG_CALLBACK, the access handler, and
 * MHD_OPTION_NOTIFY_COMPLETED. */
void *request_line(void *arg, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result request_handle(void *arg, struct MHD_Connection *mhd,
                               const char *url, const char *method,
                               const char *version, const char *data,
                               size_t *size, void **context);
void request_completed(void *arg, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code);

/* A connection is gone and its request was not completed: the library tells
 * only where it closes in an orderly way. */
void request_forsake(struct http_request *r);

/* The client of a suspended request is gone, or the endpoint ends. */
void request_abort(struct http_request *r);

/* Nothing happens on it until request_resume; its time stands still. */
void request_suspend(struct http_request *r);

/* -- response.c ----------------------------------------------------------- */

/* Sets r->response and what belongs to it, a bare 500 if need be; false:
 * there is no memory.  Takes the stream in any case. */
bool response_make(struct http_request *r, const struct http_response *from);
/* Closes the stream of an answer that nobody wants any more. */
void response_discard(const struct http_response *from);
/* The stream's close, once; the stream itself goes with the response. */
void response_stream_close(struct response_stream *s);
uint64_t response_stream_bytes(const struct response_stream *s);

/* -- refusal.c ------------------------------------------------------------ */

/*
 * What the library refuses before a handler sees it.  Of two things it tells
 * by itself and sends the head of its answer twice (0.9.75): a Content-Length
 * that it cannot read, and cookies for which it has no memory.  But first it
 * says so, though not of which connection.  Whose it is gets its answer here,
 * and what the library sends after it goes nowhere.
 */
void refusal_of_lengths(struct http_endpoint *ep);
void refusal_of_cookies(struct http_endpoint *ep);
/* The library has closed c, and there was no request. */
void refusal_of_line(struct connection *c);
/* The body of a refusal; its length. */
int refusal_body_format(int status, const char *detail, char out[256]);

#endif
