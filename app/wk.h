/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk - the command line tool: a table of commands. */
#ifndef WK_APP_WK_H
#define WK_APP_WK_H

/* exit statuses */
#define WK_EXIT_OK     0
#define WK_EXIT_FAILED 1 /* what was asked for could not be done; standard error says why */
#define WK_EXIT_USAGE  2 /* it was asked for wrongly */

struct wk_command {
    const char *name;
    const char *summary;
    /** argv[0] is the command's name; "--help" prints how it is used. Returns the exit
     *  status. */
    int (*run)(int argc, char **argv);
};

int wk_measure_run(int argc, char **argv);
int wk_synth_run(int argc, char **argv);
int wk_accuracy_run(int argc, char **argv);
int wk_calibrate_run(int argc, char **argv);
int wk_optical_run(int argc, char **argv);
int wk_submeter_run(int argc, char **argv);
int wk_iio_run(int argc, char **argv);
int wk_install_run(int argc, char **argv);
int wk_balance_run(int argc, char **argv);
int wk_store_run(int argc, char **argv);
int wk_audit_run(int argc, char **argv);
int wk_authority_run(int argc, char **argv);
int wk_simulate_run(int argc, char **argv);
int wk_read_run(int argc, char **argv);
int wk_profile_run(int argc, char **argv);
int wk_connect_run(int argc, char **argv);
int wk_decode_run(int argc, char **argv);
int wk_objects_run(int argc, char **argv);
int wk_write_run(int argc, char **argv);
int wk_security_run(int argc, char **argv);
int wk_image_run(int argc, char **argv);
int wk_push_run(int argc, char **argv);
int wk_tls_run(int argc, char **argv);
int wk_lab_run(int argc, char **argv);
int wk_diag_run(int argc, char **argv);
int wk_credit_run(int argc, char **argv);

#endif
