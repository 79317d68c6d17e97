#!/usr/bin/Rscript
# earsc.R > earsc.csv: what earsC of R's `surveillance` (1.20.3; Debian r-cran-surveillance) finds in seeded series,
# with its defaults. NA: no baseline yet, or undefined. Numbers have 17 digits, so that they are read back as they were.
suppressMessages(library(surveillance))
set.seed(20261121)

with_burst <- function(y, at, more) {
    y[at] <- y[at] + more
    y
}

series <- list(
    negative_binomial = rnbinom(120, mu = 4, size = 2),
    low = rnbinom(100, mu = 0.4, size = 1),
    high = rnbinom(60, mu = 5000, size = 30),
    burst = with_burst(rpois(60, 6), 40:44, c(9, 15, 30, 22, 8)),
    lone_count = c(rep(0, 20), 1, rep(0, 12), 3, rep(0, 12)),
    zeros = rep(0, 25),
    constant = rep(17, 25),
    fractions = round(rnorm(80, mean = -3, sd = 11), 6),
    tenths = rpois(60, 3) / 10,
    huge = 1e15 + rpois(40, 5),
    step = c(rpois(25, 3), rpois(25, 40)),
    two_values = rep(c(4, 5), 20),
    six_points = rpois(6, 3),
    eight_points = c(1, 2, 1, 3, 2, 1, 2, 9),
    thirteen_points = c(1, 2, 1, 3, 2, 1, 2, 0, 1, 2, 9, 12, 4))

# earsC refuses series that are too short, and fails on a range of one point for C3.
least <- c(C1 = 8, C2 = 10, C3 = 13)

judge <- function(y, method) {
    n <- length(y)
    upper <- alarm <- rep(NA_real_, n)
    if (n >= least[[method]]) {
        judged <- earsC(sts(observed = matrix(y, ncol = 1)), control = list(method = method))
        range <- seq(to = n, length.out = nrow(judged))
        upper[range] <- upperbound(judged)[, 1]
        alarm[range] <- alarms(judged)[, 1]
    }
    data.frame(upper = upper, alarm = alarm)
}

text <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
cat("series,count,c1_upper,c1_alarm,c2_upper,c2_alarm,c3_upper,c3_alarm\n")
for (name in names(series)) {
    y <- series[[name]]
    judged <- lapply(c("C1", "C2", "C3"), function(method) judge(y, method))
    columns <- do.call(paste, c(lapply(judged, function(j) paste(text(j$upper), text(j$alarm), sep = ",")), sep = ","))
    cat(paste(name, text(y), columns, sep = ","), sep = "\n")
}
